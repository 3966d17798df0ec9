-- The first schema. Tenant comes first in every key; the log holds ids and kinds, never
-- text: text lives once, in message.text and in the titles. Texts sort by their bytes, as
-- in SQLite: a page of a list must not depend on the language of the server.

CREATE TABLE tenant (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  name TEXT COLLATE "C" NOT NULL,
  preset TEXT COLLATE "C" NOT NULL,
  version BIGINT NOT NULL,
  created_at_ms BIGINT NOT NULL
);

CREATE TABLE person (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  name_folded TEXT COLLATE "C" NOT NULL,
  title TEXT COLLATE "C",
  roles_json TEXT COLLATE "C" NOT NULL,
  email TEXT COLLATE "C",
  avatar_url TEXT COLLATE "C",
  active INTEGER NOT NULL,
  messaging_disabled INTEGER NOT NULL,
  details_json TEXT COLLATE "C" NOT NULL,
  enter_sends INTEGER NOT NULL DEFAULT 0,
  language TEXT COLLATE "C",
  preferences_pseq BIGINT NOT NULL DEFAULT 0,
  version BIGINT NOT NULL,
  tokens_valid_from_ms BIGINT NOT NULL DEFAULT 0,
  personal_seq BIGINT NOT NULL DEFAULT 0,
  changed_at_ms BIGINT NOT NULL,
  PRIMARY KEY (tenant, id)
);

CREATE TABLE roster (
  tenant TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('course', 'project', 'group', 'unit')),
  id TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  name_folded TEXT COLLATE "C" NOT NULL,
  url TEXT COLLATE "C",
  parent_id TEXT COLLATE "C",
  course_id TEXT COLLATE "C",
  details_json TEXT COLLATE "C" NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (tenant, kind, id)
);

CREATE TABLE roster_member (
  tenant TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  roster_id TEXT COLLATE "C" NOT NULL,
  user_id TEXT COLLATE "C" NOT NULL,
  role TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, kind, roster_id, user_id)
);
CREATE INDEX roster_member_by_user ON roster_member (tenant, user_id);

CREATE TABLE conversation (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  state TEXT COLLATE "C" NOT NULL CHECK (state IN ('open', 'closed', 'deleted')),
  title TEXT COLLATE "C" NOT NULL,
  roster_kind TEXT COLLATE "C",
  roster_id TEXT COLLATE "C",
  direct_key TEXT COLLATE "C",
  created_by TEXT COLLATE "C",
  created_at_ms BIGINT NOT NULL,
  head_seq BIGINT NOT NULL DEFAULT 0,
  last_activity_ms BIGINT NOT NULL,
  last_message_id TEXT COLLATE "C",
  participant_count BIGINT NOT NULL DEFAULT 0,
  version BIGINT NOT NULL DEFAULT 1,
  changed_at_ms BIGINT NOT NULL,
  PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX conversation_direct ON conversation (tenant, direct_key)
  WHERE direct_key IS NOT NULL;
-- One living conversation per course or project; after a deletion a new one may start.
CREATE UNIQUE INDEX conversation_roster ON conversation (tenant, roster_kind, roster_id)
  WHERE roster_id IS NOT NULL AND state <> 'deleted';
CREATE INDEX conversation_changed ON conversation (changed_at_ms);

CREATE TABLE conversation_title (
  tenant TEXT COLLATE "C" NOT NULL,
  conversation_id TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  title TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, conversation_id, seq)
);

CREATE TABLE membership (
  tenant TEXT COLLATE "C" NOT NULL,
  conversation_id TEXT COLLATE "C" NOT NULL,
  user_id TEXT COLLATE "C" NOT NULL,
  joined_seq BIGINT NOT NULL,
  left_seq BIGINT,
  PRIMARY KEY (tenant, conversation_id, user_id, joined_seq)
);
CREATE INDEX membership_of_user ON membership (tenant, user_id) WHERE left_seq IS NULL;
CREATE INDEX membership_joined ON membership (tenant, conversation_id, joined_seq);
CREATE INDEX membership_left ON membership (tenant, conversation_id, left_seq)
  WHERE left_seq IS NOT NULL;

CREATE TABLE conversation_person (
  tenant TEXT COLLATE "C" NOT NULL,
  conversation_id TEXT COLLATE "C" NOT NULL,
  user_id TEXT COLLATE "C" NOT NULL,
  member INTEGER NOT NULL,
  membership_pseq BIGINT NOT NULL DEFAULT 0,
  read_seq BIGINT NOT NULL DEFAULT 0,
  marked_unread INTEGER NOT NULL DEFAULT 0,
  read_pseq BIGINT NOT NULL DEFAULT 0,
  muted INTEGER NOT NULL DEFAULT 0,
  starred INTEGER NOT NULL DEFAULT 0,
  archived INTEGER NOT NULL DEFAULT 0,
  draft TEXT COLLATE "C",
  marks_pseq BIGINT NOT NULL DEFAULT 0,
  permissions_pseq BIGINT NOT NULL DEFAULT 0,
  cleared_seq BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant, user_id, conversation_id)
);
CREATE INDEX person_membership ON conversation_person (tenant, user_id, membership_pseq);
CREATE INDEX person_read ON conversation_person (tenant, user_id, read_pseq);
CREATE INDEX person_marks ON conversation_person (tenant, user_id, marks_pseq);
CREATE INDEX person_permissions
  ON conversation_person (tenant, user_id, permissions_pseq);

CREATE TABLE message (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  conversation_id TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  author_id TEXT COLLATE "C" NOT NULL,
  text TEXT COLLATE "C",
  links_json TEXT COLLATE "C",
  reply_to_id TEXT COLLATE "C",
  client_message_id TEXT COLLATE "C",
  digest BYTEA,
  created_at_ms BIGINT NOT NULL,
  edited_at_ms BIGINT,
  removed_at_ms BIGINT,
  removed_by TEXT COLLATE "C",
  notice TEXT COLLATE "C",
  last_event_seq BIGINT NOT NULL
);
CREATE UNIQUE INDEX message_id ON message (tenant, id);
CREATE UNIQUE INDEX message_seq ON message (tenant, conversation_id, seq);
CREATE UNIQUE INDEX message_client_id ON message (tenant, author_id, client_message_id);

CREATE TABLE log (
  position BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
  tenant TEXT COLLATE "C" NOT NULL,
  conversation_id TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  message_id TEXT COLLATE "C",
  actor_id TEXT COLLATE "C",
  at_ms BIGINT NOT NULL,
  data_json TEXT COLLATE "C"
);
CREATE UNIQUE INDEX log_seq ON log (tenant, conversation_id, seq);
CREATE INDEX log_tail ON log (tenant, position);

CREATE TABLE request (
  tenant TEXT COLLATE "C" NOT NULL,
  user_id TEXT COLLATE "C" NOT NULL,
  client_request_id TEXT COLLATE "C" NOT NULL,
  digest BYTEA NOT NULL,
  result_json TEXT COLLATE "C" NOT NULL,
  created_at_ms BIGINT NOT NULL,
  PRIMARY KEY (tenant, user_id, client_request_id)
);
