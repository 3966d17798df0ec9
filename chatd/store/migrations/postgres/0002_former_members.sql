-- Who has left is shown things as they were then, and is told when a message that he may
-- still read is edited or removed afterwards.

-- As it was at the last position that the person may see; NULL for a member.
ALTER TABLE conversation_person ADD COLUMN left_state TEXT COLLATE "C";
ALTER TABLE conversation_person ADD COLUMN left_participant_count BIGINT;
ALTER TABLE conversation_person ADD COLUMN left_activity_ms BIGINT;

-- The log position of the last change behind the person's back, and what is new in the
-- membership row for a client that knew the row before: changes after a log position.
-- No PostgreSQL holds anything older, so there are no rows to fill.
ALTER TABLE conversation_person ADD COLUMN amended_seq BIGINT NOT NULL DEFAULT 0;
ALTER TABLE conversation_person ADD COLUMN amended_after_seq BIGINT NOT NULL DEFAULT 0;
ALTER TABLE conversation_person ADD COLUMN amended_after_pseq BIGINT NOT NULL DEFAULT 0;

-- Messages with an event after their own, by that event: a send never touches it.
CREATE INDEX message_amended ON message (tenant, conversation_id, last_event_seq, seq)
  WHERE last_event_seq > seq;
