-- What stops taking away, and what was taken away and is kept for a while.

-- Legal holds: as long as there is one, nothing of it is purged or erased.
CREATE TABLE hold (
  tenant TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  about_kind TEXT COLLATE "C" NOT NULL CHECK (about_kind IN ('conversation', 'person')),
  about_id TEXT COLLATE "C" NOT NULL,
  set_by TEXT COLLATE "C" NOT NULL,
  set_at_ms BIGINT NOT NULL,
  PRIMARY KEY (tenant, name)
);
CREATE INDEX hold_about ON hold (tenant, about_kind, about_id);

-- What messages said before they were edited or removed: nothing without a policy that
-- keeps it, or a hold. `seq` is the log row that took it away.
CREATE TABLE vault (
  tenant TEXT COLLATE "C" NOT NULL,
  message_id TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  conversation_id TEXT COLLATE "C" NOT NULL,
  author_id TEXT COLLATE "C" NOT NULL,
  why_kind TEXT COLLATE "C" NOT NULL CHECK (why_kind IN ('edited', 'removed')),
  text TEXT COLLATE "C",
  attachments_json TEXT COLLATE "C",
  said_at_ms BIGINT NOT NULL,
  taken_at_ms BIGINT NOT NULL,
  taken_by TEXT COLLATE "C",
  PRIMARY KEY (tenant, message_id, seq)
);
CREATE INDEX vault_taken ON vault (tenant, taken_at_ms);
CREATE INDEX vault_conversation ON vault (tenant, conversation_id, taken_at_ms);
CREATE INDEX vault_author ON vault (tenant, author_id, taken_at_ms);

-- Files of removed messages, as they were attached to them.
CREATE TABLE vault_file (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  message_id TEXT COLLATE "C" NOT NULL,
  uploader_id TEXT COLLATE "C" NOT NULL,
  blob TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  media_type TEXT COLLATE "C" NOT NULL,
  size BIGINT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  alt TEXT COLLATE "C",
  width BIGINT,
  height BIGINT,
  thumbnail BIGINT NOT NULL,
  PRIMARY KEY (tenant, id)
);
CREATE INDEX vault_file_message ON vault_file (tenant, message_id);
CREATE INDEX vault_file_blob ON vault_file (tenant, blob);

-- Up to where a conversation's messages are purged.
ALTER TABLE conversation ADD COLUMN purged_seq BIGINT NOT NULL DEFAULT 0;

-- Work that one process does at a time for a tenant, until when it is taken.
CREATE TABLE lease (
  tenant TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  holder TEXT COLLATE "C" NOT NULL,
  until_ms BIGINT NOT NULL,
  PRIMARY KEY (tenant, name)
);
