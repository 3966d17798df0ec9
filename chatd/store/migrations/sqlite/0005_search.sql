-- What was said, as words to be found. A row's position is that of the log's row.
CREATE TABLE search_entry (
  position INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  conversation_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  message_id TEXT NOT NULL,
  scope TEXT NOT NULL,
  words TEXT NOT NULL
);
CREATE UNIQUE INDEX search_entry_message ON search_entry (tenant, message_id);

-- Words come ready, one space between: whatever is not ASCII belongs to a word. With
-- secure-delete a word that is taken out is overwritten.
CREATE VIRTUAL TABLE search_index USING fts5(
  scope, words, content='search_entry', content_rowid='position', tokenize='ascii'
);
INSERT INTO search_index (search_index, rank) VALUES ('secure-delete', 1);

CREATE TRIGGER search_entry_added AFTER INSERT ON search_entry BEGIN
  INSERT INTO search_index (rowid, scope, words)
    VALUES (new.position, new.scope, new.words);
END;
CREATE TRIGGER search_entry_removed AFTER DELETE ON search_entry BEGIN
  INSERT INTO search_index (search_index, rowid, scope, words)
    VALUES ('delete', old.position, old.scope, old.words);
END;

-- Messages from before there was an index, to be put into it after the start.
CREATE TABLE search_backlog (
  tenant TEXT NOT NULL,
  message_id TEXT NOT NULL,
  PRIMARY KEY (tenant, message_id)
) WITHOUT ROWID;
INSERT INTO search_backlog SELECT tenant, id FROM message
  WHERE coalesce(text, attachments_json) IS NOT NULL;
