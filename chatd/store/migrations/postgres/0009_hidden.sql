-- Messages that a person has deleted for himself: for the others nothing changes.

CREATE TABLE message_hidden (
  tenant TEXT COLLATE "C" NOT NULL,
  user_id TEXT COLLATE "C" NOT NULL,
  conversation_id TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  message_id TEXT COLLATE "C" NOT NULL,
  pseq BIGINT NOT NULL,
  PRIMARY KEY (tenant, user_id, conversation_id, seq)
);

-- How many of them there are, so that a conversation without any costs nothing.
ALTER TABLE conversation_person ADD COLUMN hidden_messages BIGINT NOT NULL DEFAULT 0;
