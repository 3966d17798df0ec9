-- Reports of what somebody wrote. They lie apart from what they are about: nothing in a
-- conversation, its log or its people tells whether there is one.

-- All reports of one thing to one addressee; '' stands for the whole conversation, and
-- for the central queue.
CREATE TABLE report_case (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  conversation_id TEXT COLLATE "C" NOT NULL,
  message_id TEXT COLLATE "C" NOT NULL,
  author_id TEXT COLLATE "C",
  destination TEXT COLLATE "C" NOT NULL,
  state TEXT COLLATE "C" NOT NULL CHECK (state IN ('open', 'withdrawn', 'resolved')),
  created_at_ms BIGINT NOT NULL,
  decision TEXT COLLATE "C",
  note TEXT COLLATE "C",
  resolved_by TEXT COLLATE "C",
  resolved_at_ms BIGINT,
  PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX report_case_open
  ON report_case (tenant, conversation_id, message_id, destination)
  WHERE state = 'open';
CREATE INDEX report_case_about ON report_case (tenant, conversation_id);
CREATE INDEX report_case_queue ON report_case (tenant, destination, id);

CREATE TABLE report (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  case_id TEXT COLLATE "C" NOT NULL,
  reporter_id TEXT COLLATE "C" NOT NULL,
  reason TEXT COLLATE "C" NOT NULL,
  text TEXT COLLATE "C",
  state TEXT COLLATE "C" NOT NULL CHECK (state IN ('open', 'withdrawn', 'resolved')),
  created_at_ms BIGINT NOT NULL,
  sent_conversation_id TEXT COLLATE "C",
  sent_message_id TEXT COLLATE "C",
  pseq BIGINT NOT NULL,
  PRIMARY KEY (tenant, id)
);
CREATE INDEX report_of_case ON report (tenant, case_id, id);
CREATE INDEX report_own ON report (tenant, reporter_id, pseq);

-- What was to be seen when it was reported: the contract's messages as JSON.
CREATE TABLE report_evidence (
  tenant TEXT COLLATE "C" NOT NULL,
  report_id TEXT COLLATE "C" NOT NULL,
  taken_at_ms BIGINT NOT NULL,
  evidence_json TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, report_id)
);

-- The message by which a report came to the teacher who was chosen.
ALTER TABLE message ADD COLUMN report_id TEXT COLLATE "C";
