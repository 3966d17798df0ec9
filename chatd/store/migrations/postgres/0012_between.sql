-- What two people have done about each other: contacts and blocks. One row for each side,
-- so that each can be told of its own half and of nothing else.

ALTER TABLE person ADD COLUMN accepts TEXT COLLATE "C"
  CHECK (accepts IN ('contacts', 'courses', 'anyone'));

CREATE TABLE acquaintance (
  tenant TEXT COLLATE "C" NOT NULL,
  user_id TEXT COLLATE "C" NOT NULL,
  other_id TEXT COLLATE "C" NOT NULL,
  contact TEXT COLLATE "C" NOT NULL DEFAULT 'none'
    CHECK (contact IN ('none', 'sent', 'received', 'accepted')),
  contact_at_ms BIGINT NOT NULL DEFAULT 0,
  contact_pseq BIGINT NOT NULL DEFAULT 0,
  blocked INTEGER NOT NULL DEFAULT 0,
  block_pseq BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant, user_id, other_id)
);
