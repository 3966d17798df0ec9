"""Reports are filed, withdrawn, resolved, and what was kept with them is taken away.

No statement here touches the reported conversation, its log or its people. A first
report and a tenth of the same thing take the same statements, so that not even the time
tells whether somebody was faster.
"""

from dataclasses import dataclass

from chatd.store.content import attachments
from chatd.store.content.attachments import Attach
from chatd.store.effects import Effects
from chatd.store.reporting import guests
from chatd.store.reporting.guests import Settled
from chatd.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class FileReport:
    """A report, with what was to be seen when it was made.

    Without `message_id` it is about the whole conversation. `destination` is the chosen
    teacher, "" the central queue. `case_id` is of the case that it opens, unless there
    is one. The message by which it is `sent` is written by itself. `attached` are
    copies of the message's files: its removal leaves their bytes.
    """

    id: str
    case_id: str
    reporter_id: str
    conversation_id: str
    message_id: str | None
    author_id: str | None
    destination: str
    reason: str
    text: str | None
    evidence_json: str
    sent_conversation_id: str | None = None
    sent_message_id: str | None = None
    attached: tuple[Attach, ...] = ()


@dataclass(frozen=True, slots=True)
class WithdrawReport:
    """The reporter takes an open report back; the case ends with the last of them.

    `people` are those whom that may concern, as far as is known.
    """

    id: str
    case_id: str
    reporter_id: str
    conversation_id: str
    people: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ResolveCase:
    """A decision about all open reports of a case, whose reporters are told.

    `people` are those whom it concerns, as far as is known when it is decided.
    """

    id: str
    conversation_id: str
    decision: str
    note: str | None
    by: str
    people: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PurgeReport:
    """What was said and kept with one report goes; that there was one stays."""

    id: str


class Reported(Exception):
    """The same person has an open report of the same thing to the same addressee."""

    def __init__(self, report_id: str) -> None:
        super().__init__("reported already")
        self.report_id = report_id


async def file(tx: Transaction, effects: Effects, write: FileReport) -> None:
    """Apply a `FileReport`.

    Raises:
        Reported: the reporter has done so already.
    """
    # An open case is locked as it is: nobody decides about it before this is in it.
    ((case_id,),) = await tx.all(
        "INSERT INTO report_case (tenant, id, conversation_id, message_id, destination,"
        " author_id, state, created_at_ms) VALUES ($1, $2, $3, $4, $5, $6, 'open', $7)"
        " ON CONFLICT (tenant, conversation_id, message_id, destination)"
        " WHERE state = 'open' DO UPDATE SET state = excluded.state RETURNING id",
        effects.tenant,
        write.case_id,
        write.conversation_id,
        write.message_id or "",
        write.destination,
        write.author_id,
        effects.at_ms,
    )
    known = await tx.one(
        "SELECT id FROM report WHERE tenant = $1 AND case_id = $2"
        " AND reporter_id = $3 AND state = 'open'",
        effects.tenant,
        case_id,
        write.reporter_id,
    )
    if known is not None:
        raise Reported(known[0])
    await tx.run(
        "INSERT INTO report (tenant, id, case_id, reporter_id, reason, text, state,"
        " created_at_ms, sent_conversation_id, sent_message_id, pseq)"
        " VALUES ($1, $2, $3, $4, $5, $6, 'open', $7, $8, $9, $10)",
        effects.tenant,
        write.id,
        case_id,
        write.reporter_id,
        write.reason,
        write.text,
        effects.at_ms,
        write.sent_conversation_id,
        write.sent_message_id,
        await effects.move_person(tx, write.reporter_id),
    )
    await attachments.claim(tx, effects, write.id, write.reporter_id, write.attached)
    await tx.run(
        "INSERT INTO report_evidence (tenant, report_id, taken_at_ms, evidence_json)"
        " VALUES ($1, $2, $3, $4)",
        effects.tenant,
        write.id,
        effects.at_ms,
        write.evidence_json,
    )


async def withdraw(tx: Transaction, effects: Effects, write: WithdrawReport) -> None:
    """Apply a `WithdrawReport`.

    Raises:
        Settled: it is not an open report of this person's.
    """
    done = await tx.run(
        "UPDATE report SET state = 'withdrawn' WHERE tenant = $1 AND id = $2"
        " AND reporter_id = $3 AND state = 'open'",
        effects.tenant,
        write.id,
        write.reporter_id,
    )
    if not done:
        raise Settled
    await tx.run(
        "UPDATE report SET pseq = $3 WHERE tenant = $1 AND id = $2",
        effects.tenant,
        write.id,
        await effects.move_person(tx, write.reporter_id),
    )
    ended = await tx.run(
        "UPDATE report_case SET state = 'withdrawn' WHERE tenant = $1 AND id = $2"
        " AND NOT EXISTS (SELECT 1 FROM report r WHERE r.tenant = $1"
        " AND r.case_id = $2 AND r.state = 'open')",
        effects.tenant,
        write.case_id,
    )
    if ended:
        await guests.end_unreported(tx, effects, write.conversation_id)


async def resolve(tx: Transaction, effects: Effects, write: ResolveCase) -> None:
    """Apply a `ResolveCase`. Two statements for the reporters, however many they are.

    Raises:
        Settled: somebody has decided already, or it was withdrawn.
    """
    done = await tx.run(
        "UPDATE report_case SET state = 'resolved', decision = $3, note = $4,"
        " resolved_by = $5, resolved_at_ms = $6"
        " WHERE tenant = $1 AND id = $2 AND state = 'open'",
        effects.tenant,
        write.id,
        write.decision,
        write.note,
        write.by,
        effects.at_ms,
    )
    if not done:
        raise Settled
    moved = await tx.all(
        "UPDATE person SET personal_seq = personal_seq + 1, changed_at_ms = $3,"
        " changed_in = change_mark() WHERE tenant = $1 AND id IN (SELECT r.reporter_id"
        " FROM report r WHERE r.tenant = $1 AND r.case_id = $2 AND r.state = 'open')"
        " RETURNING id, personal_seq",
        effects.tenant,
        write.id,
        effects.at_ms,
    )
    await tx.run(
        "UPDATE report SET state = 'resolved', pseq = (SELECT w.personal_seq"
        " FROM person w WHERE w.tenant = $1 AND w.id = report.reporter_id)"
        " WHERE tenant = $1 AND case_id = $2 AND state = 'open'",
        effects.tenant,
        write.id,
    )
    for user_id, personal_seq in sorted(moved):
        effects.person_moved(user_id, personal_seq)
    await guests.end_unreported(tx, effects, write.conversation_id)


async def purge(tx: Transaction, effects: Effects, write: PurgeReport) -> None:
    """Apply a `PurgeReport`."""
    await tx.run(
        "DELETE FROM report_evidence WHERE tenant = $1 AND report_id = $2",
        effects.tenant,
        write.id,
    )
    await tx.run(
        "UPDATE report SET text = NULL WHERE tenant = $1 AND id = $2",
        effects.tenant,
        write.id,
    )
    await tx.run(
        "UPDATE report_case SET note = NULL WHERE tenant = $1 AND id IN"
        " (SELECT r.case_id FROM report r WHERE r.tenant = $1 AND r.id = $2)",
        effects.tenant,
        write.id,
    )
    await attachments.release(tx, effects, write.id)
    await effects.erased(tx, "report", write.id, effects.at_ms)
