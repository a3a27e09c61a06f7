-- kedge: no transaction
--
-- Finds the reversals of a transfer, for the ledger check (0017). The index
-- contains reversals only, so it costs other transfers nothing.
-- kedge: formerly 5536410966e38ade808926f855a0cffa6b9c18d66c5c4d6de80da5d5e594ef87
CREATE INDEX CONCURRENTLY IF NOT EXISTS transfer_reverses ON transfer (reverses)
	WHERE reverses IS NOT NULL;
