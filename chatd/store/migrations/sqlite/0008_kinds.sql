-- One entry of the sender for individual messages to many, and conversations that are
-- not listed until there is something new in them.

-- How many people an individual message went to; NULL for every other conversation.
ALTER TABLE conversation ADD COLUMN sent_to INTEGER;

-- The conversation is listed again with a message behind this position; 0: it is listed.
ALTER TABLE conversation_person ADD COLUMN hidden_seq INTEGER NOT NULL DEFAULT 0;
