-- kedge: no transaction
--
-- The reversals of a transfer, for the check of the books (0017).  No other transfer is in
-- it, so it costs them nothing.
CREATE INDEX CONCURRENTLY IF NOT EXISTS transfer_reverses ON transfer (reverses)
	WHERE reverses IS NOT NULL;
