-- Who did what to others' things, and who looked at them: ids and codes, never content.
-- Each row's hash covers the row and the hash before it; audit_head has the last one.

CREATE TABLE audit (
  tenant TEXT COLLATE "C" NOT NULL,
  number BIGINT NOT NULL,
  at_ms BIGINT NOT NULL,
  actor_id TEXT COLLATE "C" NOT NULL,
  deed TEXT COLLATE "C" NOT NULL,
  about_kind TEXT COLLATE "C" NOT NULL,
  about_id TEXT COLLATE "C" NOT NULL,
  facts_json TEXT COLLATE "C" NOT NULL,
  hash BYTEA NOT NULL,
  PRIMARY KEY (tenant, number)
);
CREATE INDEX audit_about ON audit (tenant, about_id, number);
CREATE INDEX audit_actor ON audit (tenant, actor_id, number);

CREATE TABLE audit_head (
  tenant TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  number BIGINT NOT NULL,
  hash BYTEA NOT NULL
);
INSERT INTO audit_head SELECT id, 0, decode(repeat('00', 32), 'hex') FROM tenant;

CREATE FUNCTION audit_is_only_added_to() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit trail is only ever added to';
END $$;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
  EXECUTE FUNCTION audit_is_only_added_to();
