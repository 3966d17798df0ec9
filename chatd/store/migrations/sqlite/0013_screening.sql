-- Messages, and new texts of messages, that a moderator lets through or refuses first.
-- They are in no log: to everybody but their author they do not exist.

CREATE TABLE held_message (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  conversation_id TEXT NOT NULL,
  author_id TEXT NOT NULL,
  -- The message that this is another text of, and which text it was to replace.
  edits_id TEXT,
  expected_ms INTEGER,
  text TEXT,
  links_json TEXT,
  attachments_json TEXT,
  reply_to_id TEXT,
  forwarded_from_id TEXT,
  forwarded_author_id TEXT,
  forwarded_at_ms INTEGER,
  client_message_id TEXT,
  digest BLOB,
  sorts_json TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'refused')),
  created_at_ms INTEGER NOT NULL,
  decided_at_ms INTEGER,
  decided_by TEXT,
  PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX held_once ON held_message (tenant, author_id, client_message_id);
CREATE UNIQUE INDEX held_edit ON held_message (tenant, edits_id);
CREATE INDEX held_queue ON held_message (tenant, state, id);
CREATE INDEX held_own ON held_message (tenant, author_id, conversation_id, id);

-- How many a person has in a conversation, so that one without any costs nothing.
ALTER TABLE conversation_person ADD COLUMN held_messages INTEGER NOT NULL DEFAULT 0;

-- Messages with contact data in them that moderators are told of.
CREATE TABLE flagged_message (
  tenant TEXT NOT NULL,
  message_id TEXT NOT NULL,
  conversation_id TEXT NOT NULL,
  sorts_json TEXT NOT NULL,
  flagged_at_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant, message_id)
) WITHOUT ROWID;
CREATE INDEX flagged_queue ON flagged_message (tenant, flagged_at_ms, message_id);
