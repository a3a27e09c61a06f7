-- The outstanding links of one user are found by their value, the user's id. Other
-- values (the states of OAuth flows) are long, and would not fit into an index.

CREATE INDEX kedge_verification_value ON verification (value)
	WHERE length(value) <= 255;
