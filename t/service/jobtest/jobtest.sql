-- The table into which the job handlers of jobtest write.
CREATE TABLE jobtest_effect (
	n bigint GENERATED ALWAYS AS IDENTITY,
	job_id uuid NOT NULL,
	kind text NOT NULL,
	attempt integer NOT NULL,
	pid integer NOT NULL,
	due timestamptz,
	at timestamptz NOT NULL DEFAULT clock_timestamp()
);
-- A foreign key that no row satisfies; it is checked at commit, so the commit
-- fails.
CREATE TABLE jobtest_other (id integer PRIMARY KEY);
CREATE TABLE jobtest_deferred (
	other integer REFERENCES jobtest_other DEFERRABLE INITIALLY DEFERRED
);
