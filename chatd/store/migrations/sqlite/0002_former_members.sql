-- Who has left is shown things as they were then, and is told when a message that he may
-- still read is edited or removed afterwards.

-- As it was at the last position that the person may see; NULL for a member.
ALTER TABLE conversation_person ADD COLUMN left_state TEXT;
ALTER TABLE conversation_person ADD COLUMN left_participant_count INTEGER;
ALTER TABLE conversation_person ADD COLUMN left_activity_ms INTEGER;

-- The log position of the last change behind the person's back, and what is new in the
-- membership row for a client that knew the row before: changes after a log position.
ALTER TABLE conversation_person ADD COLUMN amended_seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversation_person ADD COLUMN amended_after_seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversation_person ADD COLUMN amended_after_pseq INTEGER NOT NULL DEFAULT 0;

UPDATE conversation_person SET
  left_state = (SELECT CASE l.kind WHEN 'conversation.closed' THEN 'closed'
      WHEN 'conversation.deleted' THEN 'deleted' ELSE 'open' END
    FROM log l WHERE l.tenant = conversation_person.tenant
    AND l.conversation_id = conversation_person.conversation_id
    AND l.seq <= (SELECT max(s.left_seq) FROM membership s
      WHERE s.tenant = l.tenant AND s.conversation_id = l.conversation_id
      AND s.user_id = conversation_person.user_id)
    AND l.kind IN ('conversation.created', 'conversation.closed',
      'conversation.reopened', 'conversation.deleted', 'conversation.restored')
    ORDER BY l.seq DESC LIMIT 1),
  left_participant_count = (SELECT count(*) FROM membership o
    WHERE o.tenant = conversation_person.tenant
    AND o.conversation_id = conversation_person.conversation_id
    AND o.joined_seq <= (SELECT max(s.left_seq) FROM membership s
      WHERE s.tenant = o.tenant AND s.conversation_id = o.conversation_id
      AND s.user_id = conversation_person.user_id)
    AND (o.left_seq IS NULL OR o.left_seq > (SELECT max(s.left_seq) FROM membership s
      WHERE s.tenant = o.tenant AND s.conversation_id = o.conversation_id
      AND s.user_id = conversation_person.user_id))),
  left_activity_ms = coalesce((SELECT m.created_at_ms FROM message m
    WHERE m.tenant = conversation_person.tenant
    AND m.conversation_id = conversation_person.conversation_id
    AND m.seq <= (SELECT max(s.left_seq) FROM membership s
      WHERE s.tenant = m.tenant AND s.conversation_id = m.conversation_id
      AND s.user_id = conversation_person.user_id)
    ORDER BY m.seq DESC LIMIT 1),
    (SELECT c.created_at_ms FROM conversation c
      WHERE c.tenant = conversation_person.tenant
      AND c.id = conversation_person.conversation_id))
WHERE member = 0;

-- Messages with an event after their own, by that event: a send never touches it.
CREATE INDEX message_amended ON message (tenant, conversation_id, last_event_seq, seq)
  WHERE last_event_seq > seq;
