-- Files of messages. A row without a message waits to be sent by its uploader.
CREATE TABLE attachment (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  uploader_id TEXT NOT NULL,
  blob TEXT NOT NULL,
  name TEXT NOT NULL,
  media_type TEXT NOT NULL,
  size INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL,
  alt TEXT,
  width INTEGER,
  height INTEGER,
  thumbnail INTEGER NOT NULL DEFAULT 0,
  message_id TEXT
);
CREATE UNIQUE INDEX attachment_id ON attachment (tenant, id);
CREATE INDEX attachment_of_message ON attachment (tenant, message_id)
  WHERE message_id IS NOT NULL;
CREATE INDEX attachment_of_blob ON attachment (tenant, blob);
CREATE INDEX attachment_unclaimed ON attachment (created_at_ms)
  WHERE message_id IS NULL;

-- Bytes that nothing refers to (any more, or not yet): to be deleted when due.
CREATE TABLE doomed_blob (
  tenant TEXT NOT NULL,
  blob TEXT NOT NULL,
  due_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant, blob)
) WITHOUT ROWID;
CREATE INDEX doomed_blob_due ON doomed_blob (due_ms);

-- What a tenant's files take, each blob once.
CREATE TABLE attachment_usage (
  tenant TEXT NOT NULL PRIMARY KEY,
  bytes INTEGER NOT NULL
) WITHOUT ROWID;

-- The contract's objects as JSON, like links_json: shown without a join, and gone with
-- the message's removal.
ALTER TABLE message ADD COLUMN attachments_json TEXT;
