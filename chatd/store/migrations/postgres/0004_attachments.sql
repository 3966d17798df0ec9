-- Files of messages. A row without a message waits to be sent by its uploader.
CREATE TABLE attachment (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  uploader_id TEXT COLLATE "C" NOT NULL,
  blob TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  media_type TEXT COLLATE "C" NOT NULL,
  size BIGINT NOT NULL,
  created_at_ms BIGINT NOT NULL,
  alt TEXT COLLATE "C",
  width BIGINT,
  height BIGINT,
  thumbnail INTEGER NOT NULL DEFAULT 0,
  message_id TEXT COLLATE "C"
);
CREATE UNIQUE INDEX attachment_id ON attachment (tenant, id);
CREATE INDEX attachment_of_message ON attachment (tenant, message_id)
  WHERE message_id IS NOT NULL;
CREATE INDEX attachment_of_blob ON attachment (tenant, blob);
CREATE INDEX attachment_unclaimed ON attachment (created_at_ms)
  WHERE message_id IS NULL;

-- Bytes that nothing refers to (any more, or not yet): to be deleted when due.
CREATE TABLE doomed_blob (
  tenant TEXT COLLATE "C" NOT NULL,
  blob TEXT COLLATE "C" NOT NULL,
  due_ms BIGINT NOT NULL,
  PRIMARY KEY (tenant, blob)
);
CREATE INDEX doomed_blob_due ON doomed_blob (due_ms);

-- What a tenant's files take, each blob once.
CREATE TABLE attachment_usage (
  tenant TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  bytes BIGINT NOT NULL
);

-- The contract's objects as JSON, like links_json: shown without a join, and gone with
-- the message's removal.
ALTER TABLE message ADD COLUMN attachments_json TEXT COLLATE "C";
