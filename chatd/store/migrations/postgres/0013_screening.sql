-- Messages, and new texts of messages, that a moderator lets through or refuses first.
-- They are in no log: to everybody but their author they do not exist.

CREATE TABLE held_message (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  conversation_id TEXT COLLATE "C" NOT NULL,
  author_id TEXT COLLATE "C" NOT NULL,
  -- The message that this is another text of, and which text it was to replace.
  edits_id TEXT COLLATE "C",
  expected_ms BIGINT,
  text TEXT COLLATE "C",
  links_json TEXT COLLATE "C",
  attachments_json TEXT COLLATE "C",
  reply_to_id TEXT COLLATE "C",
  forwarded_from_id TEXT COLLATE "C",
  forwarded_author_id TEXT COLLATE "C",
  forwarded_at_ms BIGINT,
  client_message_id TEXT COLLATE "C",
  digest BYTEA,
  sorts_json TEXT COLLATE "C" NOT NULL,
  state TEXT COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'refused')),
  created_at_ms BIGINT NOT NULL,
  decided_at_ms BIGINT,
  decided_by TEXT COLLATE "C",
  PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX held_once ON held_message (tenant, author_id, client_message_id);
CREATE UNIQUE INDEX held_edit ON held_message (tenant, edits_id);
CREATE INDEX held_queue ON held_message (tenant, state, id);
CREATE INDEX held_own ON held_message (tenant, author_id, conversation_id, id);

-- How many a person has in a conversation, so that one without any costs nothing.
ALTER TABLE conversation_person ADD COLUMN held_messages BIGINT NOT NULL DEFAULT 0;

-- Messages with contact data in them that moderators are told of.
CREATE TABLE flagged_message (
  tenant TEXT COLLATE "C" NOT NULL,
  message_id TEXT COLLATE "C" NOT NULL,
  conversation_id TEXT COLLATE "C" NOT NULL,
  sorts_json TEXT COLLATE "C" NOT NULL,
  flagged_at_ms BIGINT NOT NULL,
  PRIMARY KEY (tenant, message_id)
);
CREATE INDEX flagged_queue ON flagged_message (tenant, flagged_at_ms, message_id);
