-- What a message was forwarded from: whose words they are, and which message's, so that
-- a removal by staff finds every copy. A copy of a copy names the first one.

ALTER TABLE message ADD COLUMN forwarded_from_id TEXT COLLATE "C";
ALTER TABLE message ADD COLUMN forwarded_author_id TEXT COLLATE "C";
ALTER TABLE message ADD COLUMN forwarded_at_ms BIGINT;
CREATE INDEX message_forwarded ON message (tenant, forwarded_from_id)
  WHERE forwarded_from_id IS NOT NULL;
