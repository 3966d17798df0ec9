-- What two people have done about each other: contacts and blocks. One row for each side,
-- so that each can be told of its own half and of nothing else.

ALTER TABLE person ADD COLUMN accepts TEXT
  CHECK (accepts IN ('contacts', 'courses', 'anyone'));

CREATE TABLE acquaintance (
  tenant TEXT NOT NULL,
  user_id TEXT NOT NULL,
  other_id TEXT NOT NULL,
  contact TEXT NOT NULL DEFAULT 'none'
    CHECK (contact IN ('none', 'sent', 'received', 'accepted')),
  contact_at_ms INTEGER NOT NULL DEFAULT 0,
  contact_pseq INTEGER NOT NULL DEFAULT 0,
  blocked INTEGER NOT NULL DEFAULT 0,
  block_pseq INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant, user_id, other_id)
) WITHOUT ROWID;
