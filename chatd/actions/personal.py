"""What is a person's own, from rows to the contract: for `Sync` and for live delivery.

A row says how things are now, whatever changed it. The one thing that is told as news
is which messages were changed behind the person's back, after leaving or in an absence:
the log of the conversation does not reach there.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from chatd.actions import presenting
from chatd.actions.between.knowing import shown
from chatd.actions.mass import showing
from chatd.actions.me import preferences_of
from chatd.actions.presenting import Gathered
from chatd.actions.reporting.presenting import own
from chatd.domain.members import absences
from chatd.domain.people import Caller, PersonRecord
from chatd.domain.verdicts import denied
from chatd.limits import Limits
from chatd.store import messages, people, personal
from chatd.store.between import acquaintances
from chatd.store.between.acquaintances import Acquaintance
from chatd.store.conversation_views import ConversationView
from chatd.store.personal import PersonalChange
from chatd.store.removing.amended import amended as amended_within
from chatd.store.reporting import reading
from chatd.store.transaction import Transaction
from chatd_protocol.chat import events, results
from chatd_protocol.chat.events import PersonalEvent
from chatd_protocol.chat.objects import Message
from chatd_protocol.chat.results import PersonalRow

AMENDED_MAX: Final = 100
"""Changed messages in one row; beyond, a page of history is cheaper to load."""

AMENDED_BYTES_MAX: Final = 64 * 1024
"""The same in bytes of JSON: with its conversation a row stays within one answer."""

_Reported = events.ReportCreated | events.ReportWithdrawn | events.ReportResolved
_TooLong: Final = None
_Amended = Mapping[str, tuple[Message, ...] | None]
"""By conversation what was changed; `None` for more than a row should carry."""


async def rows(
    tx: Transaction,
    caller: Caller,
    changes: Sequence[PersonalChange],
    since: int,
    limits: Limits,
) -> list[PersonalRow]:
    """The rows that changed, as they are now, for who knows those up to `since`."""
    if not changes:
        return []
    ids = list(
        dict.fromkeys(
            c.conversation_id for c in changes if c.conversation_id and c.kind != "mass"
        )
    )
    gathered = await presenting.gather(tx, caller.tenant, caller.user_id, ids, limits)
    views = {view.record.id: view for view in gathered.views}
    moved = [
        views[change.conversation_id]
        for change in changes
        if change.kind == "membership" and change.conversation_id in views
    ]
    amended = await _amended(tx, caller.tenant, caller.user_id, moved, since)
    halves = await _halves(tx, caller, changes)
    reported = await reading.many(
        tx, caller.tenant, [one.report_id for one in changes if one.report_id]
    )
    masses = await showing.by_ids(
        tx,
        caller.tenant,
        [c.conversation_id for c in changes if c.kind == "mass" and c.conversation_id],
    )
    found: list[PersonalRow] = []
    for change in changes:
        seq = change.personal_seq
        if change.other_id is not None:
            found.append(_half(change, *halves[change.other_id]))
        elif change.report_id is not None:
            report = own(reported[change.report_id])
            found.append(results.ReportRow(personal_seq=seq, report=report))
        elif change.kind == "mass" and change.conversation_id is not None:
            mass = masses[change.conversation_id]
            found.append(results.MassRow(personal_seq=seq, mass_message=mass))
        else:
            found.append(_row(change, gathered, views, amended, limits))
    return found


async def _halves(
    tx: Transaction, caller: Caller, changes: Sequence[PersonalChange]
) -> Mapping[str, tuple[Acquaintance, PersonRecord]]:
    ids = sorted({one.other_id for one in changes if one.other_id is not None})
    halves = await acquaintances.many(tx, caller.tenant, caller.user_id, ids)
    persons = await people.many(tx, caller.tenant, ids)
    return {id_: (halves[id_], persons[id_]) for id_ in ids}


def _half(
    change: PersonalChange, half: Acquaintance, person: PersonRecord
) -> PersonalRow:
    seq = change.personal_seq
    if change.kind == "block":
        return results.BlockRow(
            personal_seq=seq, user_id=person.id, blocked=half.blocked
        )
    return results.ContactRow(personal_seq=seq, contact=shown(half, person))


async def _amended(
    tx: Transaction,
    tenant: str,
    user_id: str,
    views: Sequence[ConversationView],
    since: int,
) -> _Amended:
    spans = []
    for view in views:
        known = view.amended
        after = known.after_seq if since >= known.after_pseq else 0
        if known.last_seq > after:
            id_ = view.record.id
            spans += [(id_, absence) for absence in absences(view.ranges, after)]
    changed = await amended_within(tx, tenant, spans, AMENDED_MAX + 1)
    found = {id_: list(records) for id_, records in changed.items()}
    by_id = {view.record.id: view for view in views}
    if any(view.hidden for view in views):
        ids = await personal.hidden_since(tx, tenant, user_id, since, AMENDED_MAX + 1)
        for record in (await messages.many(tx, tenant, ids)).values():
            if record.conversation_id in by_id:
                found.setdefault(record.conversation_id, []).append(record)
    amended: dict[str, tuple[Message, ...] | None] = {}
    for id_, records in found.items():
        view = by_id[id_]
        shown = presenting.seen(view, [one for one in records if view.sees(one.seq)])
        size = len(msgspec.json.encode(shown))
        fits = len(records) <= AMENDED_MAX and size <= AMENDED_BYTES_MAX
        amended[id_] = shown if fits else _TooLong
    return amended


def _row(
    change: PersonalChange,
    gathered: Gathered,
    views: Mapping[str, ConversationView],
    amended: _Amended,
    limits: Limits,
) -> PersonalRow:
    seq = change.personal_seq
    if change.conversation_id is None:
        return results.PreferencesRow(
            personal_seq=seq, preferences=preferences_of(gathered.viewer.person)
        )
    id_ = change.conversation_id
    view = views.get(id_)
    if view is None:
        # Somebody was but a guest there: there is nothing left to be seen.
        return results.MembershipRow(
            personal_seq=seq, conversation_id=id_, member=False, left_seq=0
        )
    if change.kind == "membership":
        news = amended.get(id_, ())
        return results.MembershipRow(
            personal_seq=seq,
            conversation_id=id_,
            member=view.member,
            conversation=presenting.shown(gathered, view, limits),
            left_seq=None if view.member else view.record.head_seq,
            amended=news or None,
            too_long=True if news is _TooLong else None,
        )
    if change.kind == "read":
        return results.ReadRow(
            personal_seq=seq,
            conversation_id=id_,
            read_seq=view.marks.read_seq,
            unread=presenting.unread_of(view, limits),
            as_of_seq=view.record.head_seq,
        )
    if change.kind == "marks":
        return results.ConversationPreferencesRow(
            personal_seq=seq,
            conversation_id=id_,
            muted=view.marks.muted,
            starred=view.marks.starred,
            archived=view.marks.archived,
            draft=view.marks.draft,
        )
    return results.PermissionsRow(
        personal_seq=seq,
        conversation_id=id_,
        denied=denied(presenting.case_of(gathered, view)),
    )


_REPORTED: Final[Mapping[str, type[_Reported]]] = {
    "open": events.ReportCreated,
    "withdrawn": events.ReportWithdrawn,
    "resolved": events.ReportResolved,
}


def event(row: PersonalRow, at: str) -> PersonalEvent:
    """The live event that says what a row of `Sync` says."""
    if isinstance(row, results.PreferencesRow):
        return events.PreferencesChanged(
            personal_seq=row.personal_seq, at=at, preferences=row.preferences
        )
    if isinstance(row, results.MembershipRow):
        return _membership(row, at)
    if isinstance(row, results.ContactRow):
        accepted = row.contact.state == "accepted"
        about = events.ContactAccepted if accepted else events.ContactRequested
        return about(personal_seq=row.personal_seq, at=at, contact=row.contact)
    if isinstance(row, results.BlockRow):
        return events.BlockChanged(
            personal_seq=row.personal_seq,
            at=at,
            user_id=row.user_id,
            blocked=row.blocked,
        )
    if isinstance(row, results.MassRow):
        return events.MassProgress(
            personal_seq=row.personal_seq, at=at, mass_message=row.mass_message
        )
    if isinstance(row, results.ReportRow):
        return _REPORTED[row.report.state](
            personal_seq=row.personal_seq,
            at=at,
            conversation_id=row.report.conversation_id,
            report=row.report,
        )
    seq, id_ = row.personal_seq, row.conversation_id
    if isinstance(row, results.ReadRow):
        kind = events.UnreadChanged if row.unread.marked else events.ReadMoved
        return kind(
            personal_seq=seq,
            at=at,
            conversation_id=id_,
            read_seq=row.read_seq,
            unread=row.unread,
            as_of_seq=row.as_of_seq,
        )
    if isinstance(row, results.ConversationPreferencesRow):
        return events.PreferencesChanged(
            personal_seq=seq,
            at=at,
            conversation_id=id_,
            muted=row.muted,
            starred=row.starred,
            archived=row.archived,
            draft=row.draft,
        )
    return events.PermissionsChanged(
        personal_seq=seq, at=at, conversation_id=id_, denied=row.denied
    )


def _membership(
    row: results.MembershipRow, at: str
) -> events.ConversationJoined | events.ConversationLeft:
    if row.conversation is not None and row.left_seq is None:
        return events.ConversationJoined(
            personal_seq=row.personal_seq,
            at=at,
            conversation_id=row.conversation_id,
            conversation=row.conversation,
            amended=row.amended,
            too_long=row.too_long,
        )
    return events.ConversationLeft(
        personal_seq=row.personal_seq,
        at=at,
        conversation_id=row.conversation_id,
        left_seq=row.left_seq or 0,
        conversation=row.conversation,
        amended=row.amended,
        too_long=row.too_long,
    )
