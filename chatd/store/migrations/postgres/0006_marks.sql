-- What changed since somebody last looked, exactly: every change carries its transaction,
-- and a look ends below the oldest one that is still open, so that nothing which is
-- committed late is passed over, and no clock is asked.

CREATE FUNCTION change_mark() RETURNS BIGINT LANGUAGE SQL STABLE
  AS 'SELECT pg_current_xact_id()::text::bigint';
CREATE FUNCTION settled_mark() RETURNS BIGINT LANGUAGE SQL STABLE
  AS 'SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint';
CREATE FUNCTION database_ms() RETURNS BIGINT LANGUAGE SQL VOLATILE
  AS 'SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint';

ALTER TABLE conversation ADD COLUMN changed_in BIGINT NOT NULL DEFAULT 0;
ALTER TABLE person ADD COLUMN changed_in BIGINT NOT NULL DEFAULT 0;
ALTER TABLE tenant ADD COLUMN changed_in BIGINT NOT NULL DEFAULT 0;
ALTER TABLE log ADD COLUMN changed_in BIGINT NOT NULL DEFAULT 0;

DROP INDEX conversation_changed;
CREATE INDEX conversation_changed ON conversation (changed_in);
CREATE INDEX person_changed ON person (changed_in);
DROP INDEX log_tail;
CREATE INDEX log_tail ON log (tenant, changed_in, position);
