-- The first schema. Tenant comes first in every key; the log holds ids and kinds, never
-- text: text lives once, in message.text and in the titles.

CREATE TABLE tenant (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  preset TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE person (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  name_folded TEXT NOT NULL,
  title TEXT,
  roles_json TEXT NOT NULL,
  email TEXT,
  avatar_url TEXT,
  active INTEGER NOT NULL,
  messaging_disabled INTEGER NOT NULL,
  details_json TEXT NOT NULL,
  enter_sends INTEGER NOT NULL DEFAULT 0,
  language TEXT,
  preferences_pseq INTEGER NOT NULL DEFAULT 0,
  version INTEGER NOT NULL,
  tokens_valid_from_ms INTEGER NOT NULL DEFAULT 0,
  personal_seq INTEGER NOT NULL DEFAULT 0,
  changed_at_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant, id)
) WITHOUT ROWID;

CREATE TABLE roster (
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('course', 'project', 'group', 'unit')),
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  name_folded TEXT NOT NULL,
  url TEXT,
  parent_id TEXT,
  course_id TEXT,
  details_json TEXT NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (tenant, kind, id)
) WITHOUT ROWID;

CREATE TABLE roster_member (
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL,
  roster_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  role TEXT NOT NULL,
  PRIMARY KEY (tenant, kind, roster_id, user_id)
) WITHOUT ROWID;
CREATE INDEX roster_member_by_user ON roster_member (tenant, user_id);

CREATE TABLE conversation (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'closed', 'deleted')),
  title TEXT NOT NULL,
  roster_kind TEXT,
  roster_id TEXT,
  direct_key TEXT,
  created_by TEXT,
  created_at_ms INTEGER NOT NULL,
  head_seq INTEGER NOT NULL DEFAULT 0,
  last_activity_ms INTEGER NOT NULL,
  last_message_id TEXT,
  participant_count INTEGER NOT NULL DEFAULT 0,
  version INTEGER NOT NULL DEFAULT 1,
  changed_at_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX conversation_direct ON conversation (tenant, direct_key)
  WHERE direct_key IS NOT NULL;
-- One living conversation per course or project; after a deletion a new one may start.
CREATE UNIQUE INDEX conversation_roster ON conversation (tenant, roster_kind, roster_id)
  WHERE roster_id IS NOT NULL AND state <> 'deleted';
CREATE INDEX conversation_changed ON conversation (changed_at_ms);

CREATE TABLE conversation_title (
  tenant TEXT NOT NULL,
  conversation_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  title TEXT NOT NULL,
  PRIMARY KEY (tenant, conversation_id, seq)
) WITHOUT ROWID;

CREATE TABLE membership (
  tenant TEXT NOT NULL,
  conversation_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  joined_seq INTEGER NOT NULL,
  left_seq INTEGER,
  PRIMARY KEY (tenant, conversation_id, user_id, joined_seq)
) WITHOUT ROWID;
CREATE INDEX membership_of_user ON membership (tenant, user_id) WHERE left_seq IS NULL;
CREATE INDEX membership_joined ON membership (tenant, conversation_id, joined_seq);
CREATE INDEX membership_left ON membership (tenant, conversation_id, left_seq)
  WHERE left_seq IS NOT NULL;

CREATE TABLE conversation_person (
  tenant TEXT NOT NULL,
  conversation_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  member INTEGER NOT NULL,
  membership_pseq INTEGER NOT NULL DEFAULT 0,
  read_seq INTEGER NOT NULL DEFAULT 0,
  marked_unread INTEGER NOT NULL DEFAULT 0,
  read_pseq INTEGER NOT NULL DEFAULT 0,
  muted INTEGER NOT NULL DEFAULT 0,
  starred INTEGER NOT NULL DEFAULT 0,
  archived INTEGER NOT NULL DEFAULT 0,
  draft TEXT,
  marks_pseq INTEGER NOT NULL DEFAULT 0,
  permissions_pseq INTEGER NOT NULL DEFAULT 0,
  cleared_seq INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant, user_id, conversation_id)
) WITHOUT ROWID;
CREATE INDEX person_membership ON conversation_person (tenant, user_id, membership_pseq);
CREATE INDEX person_read ON conversation_person (tenant, user_id, read_pseq);
CREATE INDEX person_marks ON conversation_person (tenant, user_id, marks_pseq);
CREATE INDEX person_permissions
  ON conversation_person (tenant, user_id, permissions_pseq);

CREATE TABLE message (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  conversation_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  kind TEXT NOT NULL,
  author_id TEXT NOT NULL,
  text TEXT,
  links_json TEXT,
  reply_to_id TEXT,
  client_message_id TEXT,
  digest BLOB,
  created_at_ms INTEGER NOT NULL,
  edited_at_ms INTEGER,
  removed_at_ms INTEGER,
  removed_by TEXT,
  notice TEXT,
  last_event_seq INTEGER NOT NULL
);
CREATE UNIQUE INDEX message_id ON message (tenant, id);
CREATE UNIQUE INDEX message_seq ON message (tenant, conversation_id, seq);
CREATE UNIQUE INDEX message_client_id ON message (tenant, author_id, client_message_id);

CREATE TABLE log (
  position INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  conversation_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  kind TEXT NOT NULL,
  message_id TEXT,
  actor_id TEXT,
  at_ms INTEGER NOT NULL,
  data_json TEXT
);
CREATE UNIQUE INDEX log_seq ON log (tenant, conversation_id, seq);
CREATE INDEX log_tail ON log (tenant, position);

CREATE TABLE request (
  tenant TEXT NOT NULL,
  user_id TEXT NOT NULL,
  client_request_id TEXT NOT NULL,
  digest BLOB NOT NULL,
  result_json TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant, user_id, client_request_id)
) WITHOUT ROWID;
