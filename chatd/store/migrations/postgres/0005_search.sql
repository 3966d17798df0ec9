-- What was said, as words to be found. A row's position is that of the log's row.
CREATE TABLE search_entry (
  position BIGINT NOT NULL PRIMARY KEY,
  tenant TEXT COLLATE "C" NOT NULL,
  conversation_id TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  message_id TEXT COLLATE "C" NOT NULL,
  scope TEXT COLLATE "C" NOT NULL,
  words TEXT COLLATE "C" NOT NULL,
  -- Words come ready, one space between: no parser of a language is to cut them again.
  lexemes TSVECTOR NOT NULL GENERATED ALWAYS AS
    (array_to_tsvector(string_to_array(scope || ' ' || words, ' '))) STORED
);
CREATE UNIQUE INDEX search_entry_message ON search_entry (tenant, message_id);
CREATE INDEX search_entry_lexemes ON search_entry USING gin (lexemes);

-- Messages from before there was an index, to be put into it after the start.
CREATE TABLE search_backlog (
  tenant TEXT COLLATE "C" NOT NULL,
  message_id TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, message_id)
);
INSERT INTO search_backlog SELECT tenant, id FROM message
  WHERE coalesce(text, attachments_json) IS NOT NULL;
