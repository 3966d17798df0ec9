-- What was taken away on purpose, so that a restored backup does not bring it back.
-- Ids, codes and times: what was taken away is never in here.

CREATE TABLE erasure (
  position INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  data_json TEXT NOT NULL,
  at_ms INTEGER NOT NULL
);

INSERT INTO erasure (tenant, kind, id, data_json, at_ms)
  SELECT tenant, 'message', id,
    json_object('conversationId', conversation_id, 'by', removed_by, 'notice', notice,
      'actor', (SELECT l.actor_id FROM log l WHERE l.tenant = message.tenant
        AND l.conversation_id = message.conversation_id
        AND l.seq = message.last_event_seq)),
    removed_at_ms
  FROM message WHERE removed_at_ms IS NOT NULL ORDER BY removed_at_ms;

INSERT INTO erasure (tenant, kind, id, data_json, at_ms)
  SELECT tenant, 'sessions', id, '{}', tokens_valid_from_ms
  FROM person WHERE tokens_valid_from_ms > 0 ORDER BY tokens_valid_from_ms;
