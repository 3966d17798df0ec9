-- Reports of what somebody wrote. They lie apart from what they are about: nothing in a
-- conversation, its log or its people tells whether there is one.

-- All reports of one thing to one addressee; '' stands for the whole conversation, and
-- for the central queue.
CREATE TABLE report_case (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  conversation_id TEXT NOT NULL,
  message_id TEXT NOT NULL,
  author_id TEXT,
  destination TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'withdrawn', 'resolved')),
  created_at_ms INTEGER NOT NULL,
  decision TEXT,
  note TEXT,
  resolved_by TEXT,
  resolved_at_ms INTEGER,
  PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX report_case_open
  ON report_case (tenant, conversation_id, message_id, destination)
  WHERE state = 'open';
CREATE INDEX report_case_about ON report_case (tenant, conversation_id);
CREATE INDEX report_case_queue ON report_case (tenant, destination, id);

CREATE TABLE report (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  case_id TEXT NOT NULL,
  reporter_id TEXT NOT NULL,
  reason TEXT NOT NULL,
  text TEXT,
  state TEXT NOT NULL CHECK (state IN ('open', 'withdrawn', 'resolved')),
  created_at_ms INTEGER NOT NULL,
  sent_conversation_id TEXT,
  sent_message_id TEXT,
  pseq INTEGER NOT NULL,
  PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE INDEX report_of_case ON report (tenant, case_id, id);
CREATE INDEX report_own ON report (tenant, reporter_id, pseq);

-- What was to be seen when it was reported: the contract's messages as JSON.
CREATE TABLE report_evidence (
  tenant TEXT NOT NULL,
  report_id TEXT NOT NULL,
  taken_at_ms INTEGER NOT NULL,
  evidence_json TEXT NOT NULL,
  PRIMARY KEY (tenant, report_id)
) WITHOUT ROWID;

-- The message by which a report came to the teacher who was chosen.
ALTER TABLE message ADD COLUMN report_id TEXT;
