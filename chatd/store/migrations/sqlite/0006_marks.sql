-- What changed since somebody last looked, exactly: every change carries the number of
-- its commit. `change_mark` and the like are functions of the connections here.

ALTER TABLE conversation ADD COLUMN changed_in INTEGER NOT NULL DEFAULT 0;
ALTER TABLE person ADD COLUMN changed_in INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tenant ADD COLUMN changed_in INTEGER NOT NULL DEFAULT 0;
ALTER TABLE log ADD COLUMN changed_in INTEGER NOT NULL DEFAULT 0;

DROP INDEX conversation_changed;
CREATE INDEX conversation_changed ON conversation (changed_in);
CREATE INDEX person_changed ON person (changed_in);
DROP INDEX log_tail;
CREATE INDEX log_tail ON log (tenant, changed_in, position);
