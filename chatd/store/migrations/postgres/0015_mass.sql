-- Mass messages: the job, whom it has not reached yet, and in whose name it is sent.

-- Its id is that of the sender's conversation. Whoever delivers has it until a moment,
-- and takes it again with each part; after a crash the next one goes on from there.
CREATE TABLE mass_message (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  sender_id TEXT COLLATE "C" NOT NULL,
  organisation_id TEXT COLLATE "C",
  reply_kind TEXT COLLATE "C" NOT NULL CHECK (reply_kind IN ('none', 'direct')),
  state TEXT COLLATE "C" NOT NULL
    CHECK (state IN ('waiting', 'delivering', 'delivered', 'cancelled')),
  total BIGINT NOT NULL,
  delivered BIGINT NOT NULL DEFAULT 0,
  refused BIGINT NOT NULL DEFAULT 0,
  created_at_ms BIGINT NOT NULL,
  due_ms BIGINT NOT NULL,
  ended_at_ms BIGINT,
  taken_by TEXT COLLATE "C",
  taken_until_ms BIGINT NOT NULL DEFAULT 0,
  mass_pseq BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant, id)
);
CREATE INDEX mass_message_open ON mass_message (due_ms) WHERE ended_at_ms IS NULL;
CREATE INDEX mass_message_sender ON mass_message (tenant, sender_id, mass_pseq);

-- Who is still to get it: a row goes in the transaction that delivers.
CREATE TABLE mass_recipient (
  tenant TEXT COLLATE "C" NOT NULL,
  mass_id TEXT COLLATE "C" NOT NULL,
  user_id TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, mass_id, user_id)
);

-- The sender that recipients see where a unit sends: a person who cannot sign in.
CREATE TABLE organisation (
  tenant TEXT COLLATE "C" NOT NULL,
  unit_id TEXT COLLATE "C" NOT NULL,
  person_id TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, unit_id)
);

CREATE INDEX roster_parent ON roster (tenant, kind, parent_id)
  WHERE parent_id IS NOT NULL;
