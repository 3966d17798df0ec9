-- What stops taking away, and what was taken away and is kept for a while.

-- Legal holds: as long as there is one, nothing of it is purged or erased.
CREATE TABLE hold (
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  about_kind TEXT NOT NULL CHECK (about_kind IN ('conversation', 'person')),
  about_id TEXT NOT NULL,
  set_by TEXT NOT NULL,
  set_at_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant, name)
) WITHOUT ROWID;
CREATE INDEX hold_about ON hold (tenant, about_kind, about_id);

-- What messages said before they were edited or removed: nothing without a policy that
-- keeps it, or a hold. `seq` is the log row that took it away.
CREATE TABLE vault (
  tenant TEXT NOT NULL,
  message_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  conversation_id TEXT NOT NULL,
  author_id TEXT NOT NULL,
  why_kind TEXT NOT NULL CHECK (why_kind IN ('edited', 'removed')),
  text TEXT,
  attachments_json TEXT,
  said_at_ms INTEGER NOT NULL,
  taken_at_ms INTEGER NOT NULL,
  taken_by TEXT,
  PRIMARY KEY (tenant, message_id, seq)
) WITHOUT ROWID;
CREATE INDEX vault_taken ON vault (tenant, taken_at_ms);
CREATE INDEX vault_conversation ON vault (tenant, conversation_id, taken_at_ms);
CREATE INDEX vault_author ON vault (tenant, author_id, taken_at_ms);

-- Files of removed messages, as they were attached to them.
CREATE TABLE vault_file (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  message_id TEXT NOT NULL,
  uploader_id TEXT NOT NULL,
  blob TEXT NOT NULL,
  name TEXT NOT NULL,
  media_type TEXT NOT NULL,
  size INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL,
  alt TEXT,
  width INTEGER,
  height INTEGER,
  thumbnail INTEGER NOT NULL,
  PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE INDEX vault_file_message ON vault_file (tenant, message_id);
CREATE INDEX vault_file_blob ON vault_file (tenant, blob);

-- Up to where a conversation's messages are purged.
ALTER TABLE conversation ADD COLUMN purged_seq INTEGER NOT NULL DEFAULT 0;

-- Work that one process does at a time for a tenant, until when it is taken.
CREATE TABLE lease (
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  holder TEXT NOT NULL,
  until_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant, name)
) WITHOUT ROWID;
