"""From records to the contract's objects, as one person may see them.

Many conversations are presented with a bounded number of statements. A former member
is shown things as they were when he left, and no text that was written afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from chatd.actions.basis.context import Context
from chatd.actions.basis.facts import policy_of, roster_role
from chatd.actions.directory import availability
from chatd.clock import rfc3339
from chatd.domain.cases import Case
from chatd.domain.conversations import ConversationRecord
from chatd.domain.messages import MessageRecord
from chatd.domain.people import Caller, PersonRecord
from chatd.domain.policy import Policy
from chatd.domain.relations import NOTHING, Between, Party
from chatd.domain.verdicts import denied
from chatd.errors import Refused
from chatd.limits import Limits
from chatd.store import conversation_views, people
from chatd.store.between import acquaintances
from chatd.store.conversation_views import ConversationView
from chatd.store.saying.held import HeldRecord
from chatd.store.transaction import Transaction
from chatd_protocol.chat import objects
from chatd_protocol.chat.objects import (
    HIDDEN,
    Attachment,
    Conversation,
    ConversationFacts,
    ForwardedFrom,
    Link,
    Message,
    Participant,
    PersonName,
    Removal,
    Unread,
)

EDITED_AFTER_LEAVING: Final = "edited_after_leaving"
"""Notice on a message whose text is newer than the reader's membership."""

_ROSTER_FIELDS: Final = {
    "course": "course_id",
    "project": "project_id",
    "group": "group_id",
}
_ROLES: Final = frozenset({"teacher", "instructor", "student", "observer"})


@dataclass(frozen=True, slots=True)
class Gathered:
    """Everything that presenting conversations to one person needs, of one moment."""

    policy: Policy
    viewer: Party
    views: tuple[ConversationView, ...]
    people: dict[str, PersonRecord]
    peers: dict[str, Party]
    between: dict[str, Between]


async def gather(
    tx: Transaction, tenant: str, user_id: str, ids: Sequence[str], limits: Limits
) -> Gathered:
    """Read conversations for a person.

    Raises:
        Refused: `not_found` for somebody who does not exist.
    """
    policy = await policy_of(tx, tenant)
    views = await conversation_views.views(
        tx,
        tenant,
        user_id,
        ids=ids,
        unread_bound=limits.unread_exact,
        others_max=limits.participants_in_view,
        history=policy.history_for_new_members,
    )
    others = {id_ for view in views for id_ in view.others}
    known = await people.many(tx, tenant, sorted(others | {user_id}))
    if user_id not in known:
        raise Refused("not_found")
    direct = [view.others[0] for view in views if _has_peer(view)]
    judged = {*direct, user_id} & known.keys()
    places = await people.enrolments(tx, tenant, sorted(judged))
    parties = {id_: Party(known[id_], places[id_]) for id_ in judged}
    between = await acquaintances.between(tx, tenant, user_id, sorted(set(direct)))
    return Gathered(policy, parties[user_id], tuple(views), known, parties, between)


def _has_peer(view: ConversationView) -> bool:
    return view.record.kind == "direct" and bool(view.others)


async def conversation(context: Context, caller: Caller, id_: str) -> Conversation:
    """One conversation as the caller has it.

    Raises:
        Refused: `not_found`.
    """
    gathered = await context.store.read(
        gather, caller.tenant, caller.user_id, [id_], context.limits
    )
    if not gathered.views:
        raise Refused("not_found")
    opened = shown(gathered, gathered.views[0], context.limits)
    if gathered.policy.availability != "show_and_hint":
        return opened
    hinted = tuple(
        availability.hinted(one, context.clock.now_ms())
        for one in opened.participants or ()
    )
    return msgspec.structs.replace(opened, participants=hinted)


def case_of(gathered: Gathered, view: ConversationView) -> Case:
    """What decides about the person in one of the gathered conversations."""
    peer = view.others[0] if _has_peer(view) else ""
    return Case(
        policy=gathered.policy,
        sender=gathered.viewer,
        recipient=gathered.peers.get(peer),
        between=gathered.between.get(peer, NOTHING),
        conversation=view.record,
        member=view.member and not view.guest,
        through="guest" if view.guest else "",
        roster_role=roster_role(view.record, gathered.viewer),
    )


def shown(gathered: Gathered, view: ConversationView, limits: Limits) -> Conversation:
    """One of the gathered conversations as the person has it."""
    facts = msgspec.structs.asdict(facts_of_view(view))
    marks = view.marks
    return Conversation(
        **facts,
        unread=unread_of(view, limits),
        read_seq=marks.read_seq,
        resume_seq=view.first_unread_seq or marks.read_seq,
        muted=marks.muted,
        starred=marks.starred,
        archived=marks.archived,
        draft=marks.draft,
        member=view.member,
        hidden_seq=marks.hidden_seq or None,
        cleared_seq=marks.cleared_seq or None,
        guest=True if view.guest else None,
        participants=tuple(
            availability.stated(
                participant(gathered.people[id_]),
                gathered.people[id_],
                gathered.policy,
            )
            for id_ in view.others
            if id_ in gathered.people
        ),
        denied=denied(case_of(gathered, view)),
        held=tuple(held(one) for one in view.held) or None,
    )


def unread_of(view: ConversationView, limits: Limits) -> Unread:
    """The unread count of a conversation, exact up to the limit (ITS-4, ITS-11)."""
    capped = view.unread > limits.unread_exact
    return Unread(
        count=min(view.unread, limits.unread_exact),
        capped=True if capped else None,
        marked=view.marks.marked_unread,
        first_seq=view.first_unread_seq,
    )


def facts_of_view(view: ConversationView) -> ConversationFacts:
    """The facts of a conversation that this person may know."""
    left = None if view.member else view.record.head_seq
    facts = facts_of(view.record, view.last_message, left)
    last = facts.last_message
    if last is None or last.seq not in view.hidden:
        return facts
    return msgspec.structs.replace(facts, last_message=hidden(last))


def seen(
    view: ConversationView, records: Sequence[MessageRecord]
) -> tuple[Message, ...]:
    """Messages of a conversation as this person has them."""
    left = None if view.member else view.record.head_seq
    shown = (message(record, left) for record in records)
    return tuple(hidden(one) if one.seq in view.hidden else one for one in shown)


def hidden(message: Message) -> Message:
    """A message that the reader has deleted for himself: only its place is left."""
    return Message(
        id=message.id,
        conversation_id=message.conversation_id,
        seq=message.seq,
        kind=message.kind,
        author=message.author,
        created_at=message.created_at,
        removed=Removal(at=message.created_at, notice=HIDDEN),
    )


def held(record: HeldRecord) -> Message:
    """A message that waits for a moderator, or was refused, for its author."""
    return msgspec.structs.replace(message(record.message), held=record.state)


def facts_of(
    record: ConversationRecord, last: MessageRecord | None, left_seq: int | None = None
) -> ConversationFacts:
    """The facts of a conversation."""
    roster = {}
    if record.roster_kind in _ROSTER_FIELDS:
        roster[_ROSTER_FIELDS[record.roster_kind]] = record.roster_id
    return ConversationFacts(
        id=record.id,
        kind=record.kind,
        title=record.title,
        state=record.state,
        participant_count=record.participant_count,
        head_seq=record.head_seq,
        created_at=rfc3339(record.created_at_ms),
        last_activity_at=rfc3339(record.last_activity_ms),
        last_message=None if last is None else message(last, left_seq),
        sent_to=record.sent_to,
        **roster,
    )


def message(record: MessageRecord, left_seq: int | None = None) -> Message:
    """A message; `left_seq` is the last position of a reader who has left."""
    removed: Removal | None = None
    if record.removed_at_ms is not None:
        by = None
        if record.removed_by is not None:
            by = PersonName(id=record.removed_by, name=record.removed_by_name or "")
        removed = Removal(
            at=rfc3339(record.removed_at_ms), notice=record.notice or "", by=by
        )
    elif not is_whole(record, left_seq):
        at = rfc3339(record.created_at_ms)
        removed = Removal(at=at, notice=EDITED_AFTER_LEAVING)
    whole = removed is None
    return Message(
        id=record.id,
        conversation_id=record.conversation_id,
        seq=record.seq,
        kind=record.kind,
        author=PersonName(id=record.author_id, name=record.author_name),
        created_at=rfc3339(record.created_at_ms),
        text=record.text if whole else None,
        links=_links(record.links_json) if whole else None,
        attachments=_attachments(record.attachments_json) if whole else None,
        reply_to_id=record.reply_to_id,
        edited_at=(
            rfc3339(record.edited_at_ms) if whole and record.edited_at_ms else None
        ),
        removed=removed,
        client_message_id=record.client_message_id,
        report_id=record.report_id,
        forwarded_from=_origin(record) if whole else None,
    )


def _origin(record: MessageRecord) -> ForwardedFrom | None:
    if record.forwarded is None:
        return None
    origin = record.forwarded
    return ForwardedFrom(
        author=PersonName(id=origin.author_id, name=origin.author_name),
        created_at=rfc3339(origin.at_ms),
    )


def is_whole(record: MessageRecord, left_seq: int | None) -> bool:
    """Whether a message is shown with its content to whoever may see its place.

    Not once it was removed; and who has left at `left_seq` is shown no later text.
    """
    if record.removed_at_ms is not None:
        return False
    edited_since = left_seq is not None and record.last_event_seq > left_seq
    return record.edited_at_ms is None or not edited_since


def _links(links_json: str | None) -> tuple[Link, ...] | None:
    if links_json is None:
        return None
    return msgspec.json.decode(links_json, type=tuple[Link, ...])


def _attachments(attachments_json: str | None) -> tuple[Attachment, ...] | None:
    if attachments_json is None:
        return None
    return msgspec.json.decode(attachments_json, type=tuple[Attachment, ...])


def participant(
    person: PersonRecord,
    role: str | None = None,
    relations: tuple[str, ...] | None = None,
) -> Participant:
    """A person as the others of a conversation see one (ITS-26, ITS-27)."""
    known: objects.ParticipantRole = "member"
    if role in _ROLES:
        known = msgspec.convert(role, objects.ParticipantRole)
    return Participant(
        id=person.id,
        name=person.name,
        role=known,
        roles=person.roles,
        title=person.title,
        avatar_url=person.avatar_url,
        active=None if person.active else False,
        messaging_disabled=True if person.messaging_disabled else None,
        relations=relations or None,
    )
