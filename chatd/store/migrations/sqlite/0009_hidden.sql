-- Messages that a person has deleted for himself: for the others nothing changes.

CREATE TABLE message_hidden (
  tenant TEXT NOT NULL,
  user_id TEXT NOT NULL,
  conversation_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  message_id TEXT NOT NULL,
  pseq INTEGER NOT NULL,
  PRIMARY KEY (tenant, user_id, conversation_id, seq)
) WITHOUT ROWID;

-- How many of them there are, so that a conversation without any costs nothing.
ALTER TABLE conversation_person ADD COLUMN hidden_messages INTEGER NOT NULL DEFAULT 0;
