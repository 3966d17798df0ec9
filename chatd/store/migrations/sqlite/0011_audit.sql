-- Who did what to others' things, and who looked at them: ids and codes, never content.
-- Each row's hash covers the row and the hash before it; audit_head has the last one.

CREATE TABLE audit (
  tenant TEXT NOT NULL,
  number INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  actor_id TEXT NOT NULL,
  deed TEXT NOT NULL,
  about_kind TEXT NOT NULL,
  about_id TEXT NOT NULL,
  facts_json TEXT NOT NULL,
  hash BLOB NOT NULL,
  PRIMARY KEY (tenant, number)
) WITHOUT ROWID;
CREATE INDEX audit_about ON audit (tenant, about_id, number);
CREATE INDEX audit_actor ON audit (tenant, actor_id, number);

CREATE TABLE audit_head (
  tenant TEXT NOT NULL PRIMARY KEY,
  number INTEGER NOT NULL,
  hash BLOB NOT NULL
) WITHOUT ROWID;
INSERT INTO audit_head SELECT id, 0, zeroblob(32) FROM tenant;

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN
  SELECT RAISE(ABORT, 'the audit trail is only ever added to');
END;
CREATE TRIGGER audit_is_not_shortened BEFORE DELETE ON audit BEGIN
  SELECT RAISE(ABORT, 'the audit trail is only ever added to');
END;
