"""From records to the contract's objects, as one person may see them.

Many conversations are presented with a bounded number of statements. A former member
is shown things as they were when he left, and no text that was written afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from chatd.actions.basis.context import Context
from chatd.actions.basis.facts import policy_of
from chatd.clock import rfc3339
from chatd.domain.conversations import ConversationRecord
from chatd.domain.messages import MessageRecord
from chatd.domain.people import Caller, PersonRecord
from chatd.domain.policy import Policy
from chatd.domain.verdicts import Standing, denied
from chatd.errors import Refused
from chatd.limits import Limits
from chatd.store import conversation_views, people, rosters
from chatd.store.conversation_views import ConversationView
from chatd.store.transaction import Transaction
from chatd_protocol.chat import objects
from chatd_protocol.chat.objects import (
    Attachment,
    Conversation,
    ConversationFacts,
    Link,
    Message,
    Participant,
    PersonName,
    Removal,
    Unread,
)

EDITED_AFTER_LEAVING: Final = "edited_after_leaving"
"""Notice on a message whose text is newer than the reader's membership."""

_ROSTER_FIELDS: Final = {"course": "course_id", "project": "project_id"}
_ROLES: Final = frozenset({"teacher", "instructor", "student", "observer"})


@dataclass(frozen=True, slots=True)
class Gathered:
    """Everything that presenting conversations to one person needs, of one moment."""

    policy: Policy
    person: PersonRecord
    views: tuple[ConversationView, ...]
    people: dict[str, PersonRecord]
    roles: dict[tuple[str, str], str]


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
    followed = [
        (view.record.roster_kind, view.record.roster_id)
        for view in views
        if view.record.roster_kind and view.record.roster_id
    ]
    roles = await rosters.roles_of(tx, tenant, user_id, followed) if followed else {}
    return Gathered(policy, known[user_id], tuple(views), known, roles)


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
    return shown(gathered, gathered.views[0], context.limits)


def standing_of(gathered: Gathered, view: ConversationView) -> Standing:
    """The person's standing in one of the gathered conversations."""
    record = view.record
    roster = (record.roster_kind or "", record.roster_id or "")
    peer = gathered.people.get(view.others[0]) if view.others else None
    return Standing(
        policy=gathered.policy,
        person=gathered.person,
        conversation=record,
        member=view.member,
        roster_role=gathered.roles.get(roster),
        peer=peer if record.kind == "direct" else None,
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
        participants=tuple(
            participant(gathered.people[id_])
            for id_ in view.others
            if id_ in gathered.people
        ),
        denied=denied(standing_of(gathered, view)),
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
    return facts_of(view.record, view.last_message, left)


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
