-- Mass messages: the job, whom it has not reached yet, and in whose name it is sent.

-- Its id is that of the sender's conversation. Whoever delivers has it until a moment,
-- and takes it again with each part; after a crash the next one goes on from there.
CREATE TABLE mass_message (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  sender_id TEXT NOT NULL,
  organisation_id TEXT,
  reply_kind TEXT NOT NULL CHECK (reply_kind IN ('none', 'direct')),
  state TEXT NOT NULL
    CHECK (state IN ('waiting', 'delivering', 'delivered', 'cancelled')),
  total INTEGER NOT NULL,
  delivered INTEGER NOT NULL DEFAULT 0,
  refused INTEGER NOT NULL DEFAULT 0,
  created_at_ms INTEGER NOT NULL,
  due_ms INTEGER NOT NULL,
  ended_at_ms INTEGER,
  taken_by TEXT,
  taken_until_ms INTEGER NOT NULL DEFAULT 0,
  mass_pseq INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE INDEX mass_message_open ON mass_message (due_ms) WHERE ended_at_ms IS NULL;
CREATE INDEX mass_message_sender ON mass_message (tenant, sender_id, mass_pseq);

-- Who is still to get it: a row goes in the transaction that delivers.
CREATE TABLE mass_recipient (
  tenant TEXT NOT NULL,
  mass_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  PRIMARY KEY (tenant, mass_id, user_id)
) WITHOUT ROWID;

-- The sender that recipients see where a unit sends: a person who cannot sign in.
CREATE TABLE organisation (
  tenant TEXT NOT NULL,
  unit_id TEXT NOT NULL,
  person_id TEXT NOT NULL,
  PRIMARY KEY (tenant, unit_id)
) WITHOUT ROWID;

CREATE INDEX roster_parent ON roster (tenant, kind, parent_id)
  WHERE parent_id IS NOT NULL;
