"""Starting a conversation, or finding the one that is there (ITS-43 … 52).

One person makes a direct conversation, once per pair. A course or project alone makes
its own conversation, whose members follow the roster. Everything else makes a group of
whoever the caller may write to; who may not is named with the reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from chatd import metrics
from chatd.actions import presenting
from chatd.actions.basis.context import Context
from chatd.actions.basis.deciding import carry_out, digest, require
from chatd.actions.basis.facts import policy_of
from chatd.actions.content import attachments
from chatd.actions.content.attachments import Chosen
from chatd.actions.members import refusals
from chatd.actions.messages import links_json, sendable_text
from chatd.domain.conversations import direct_key
from chatd.domain.people import Caller, PersonRecord
from chatd.domain.policy import Policy
from chatd.domain.texts import normal_title
from chatd.domain.verdicts import may, may_start, may_start_for_roster
from chatd.errors import Refused, invalid
from chatd.ids import new_id
from chatd.store import conversations, messages, people, rosters
from chatd.store.change import AlreadyDone, Change, Guard, Key, Write
from chatd.store.conversations import CreateConversation
from chatd.store.engine import applying
from chatd.store.members import NewMember
from chatd.store.messages import InsertMessage
from chatd.store.rosters import RosterRecord
from chatd.store.transaction import Transaction
from chatd_protocol.chat.requests import StartConversation
from chatd_protocol.chat.results import ConversationStarted, RefusedRecipient


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A request whose texts are in order."""

    request: StartConversation
    key: Key
    title: str
    text: str | None
    recipients_max: int


@dataclass(frozen=True, slots=True)
class _Found:
    """What the directory and the store know of what is wanted.

    `existing` is the conversation that is there already; `people` are those asked for,
    `refused` those of them whom the caller may not write to, with the code.
    """

    policy: Policy
    person: PersonRecord
    roster: RosterRecord | None
    role: str | None
    people: tuple[str, ...]
    refused: Mapping[str, str]
    existing: str | None


async def start(
    context: Context, caller: Caller, request: StartConversation
) -> ConversationStarted:
    """Start a conversation, or answer with the one that is there.

    A repeated `clientRequestId` is answered with what became of the first one.

    Raises:
        Refused: `invalid_request`, `idempotency_conflict`, `too_many_recipients`, or
            why the caller may not write to the only recipient or start at all.
    """
    wanted = _checked(context, caller, request)
    earlier = await context.store.read(
        applying.request_result, caller.tenant, wanted.key
    )
    if earlier is not None:
        metrics.IDEMPOTENT_REPLAYS.inc()
        return await _answer(context, caller, earlier)
    results: list[dict[str, object]] = []

    async def decide() -> Change:
        found = await context.store.read(_find, caller, wanted)
        first = await _first_message(context, caller, wanted)
        if found.existing is None:
            change = _create(context, caller, wanted, found, first)
        else:
            change = await _go_on(context, caller, wanted, found.existing, first)
        results.append(dict(change.result or {}))
        return change

    try:
        await carry_out(context, decide)
    except AlreadyDone as done:
        metrics.IDEMPOTENT_REPLAYS.inc()
        # The key, or the first message's own id: either names the conversation.
        return await _answer(context, caller, done.result)
    return await _answer(context, caller, results[-1])


def _checked(context: Context, caller: Caller, request: StartConversation) -> _Wanted:
    if request.mode == "individual" and len(request.recipients) > 1:
        raise invalid("/mode", "not_available")
    title = normal_title(request.title, "/title") if request.title else ""
    text = None
    if request.message is not None:
        files = request.message.attachment_ids is not None
        text = sendable_text(
            context, request.message.text, "/message/text", files=files
        )
    key = Key(caller.user_id, request.client_request_id, digest(request))
    return _Wanted(request, key, title, text, context.limits.recipients)


async def _find(tx: Transaction, caller: Caller, wanted: _Wanted) -> _Found:
    policy = await policy_of(tx, caller.tenant)
    person = await people.get(tx, caller.tenant, caller.user_id)
    if person is None:
        raise Refused("not_found")
    recipients = wanted.request.recipients
    for at, one in enumerate(recipients):
        if one.kind not in policy.recipient_kinds:
            raise invalid(f"/recipients/{at}/kind", "not_available")
    alone = recipients[0] if len(recipients) == 1 else None
    if alone is not None and alone.kind != "user":
        return await _find_roster(tx, caller, policy, person, (alone.kind, alone.id))
    asked = await _expand(tx, caller, policy, person, wanted)
    existing = None
    if alone is not None:
        key = direct_key(caller.user_id, alone.id)
        existing = await conversations.direct(tx, caller.tenant, key)
    refused = {} if existing else await refusals(tx, caller, list(asked))
    return _Found(policy, person, None, None, asked, refused, existing)


async def _find_roster(
    tx: Transaction,
    caller: Caller,
    policy: Policy,
    person: PersonRecord,
    roster: tuple[str, str],
) -> _Found:
    roles = await rosters.roles_of(tx, caller.tenant, caller.user_id, [roster])
    role = roles.get(roster)
    require(may_start_for_roster(policy, person, role))
    record = await rosters.get(tx, caller.tenant, *roster)
    members = await rosters.member_ids(tx, caller.tenant, *roster)
    existing = await conversations.of_roster(tx, caller.tenant, *roster)
    return _Found(policy, person, record, role, members, {}, existing)


async def _expand(
    tx: Transaction,
    caller: Caller,
    policy: Policy,
    person: PersonRecord,
    wanted: _Wanted,
) -> tuple[str, ...]:
    """Everybody who is asked for, each once, without the caller."""
    asked: dict[str, None] = {}
    for one in wanted.request.recipients:
        if one.kind == "user":
            asked[one.id] = None
            continue
        roster = (one.kind, one.id)
        roles = await rosters.roles_of(tx, caller.tenant, caller.user_id, [roster])
        require(may_start_for_roster(policy, person, roles.get(roster)))
        members = await rosters.member_ids(tx, caller.tenant, *roster)
        asked.update(dict.fromkeys(members))
    asked.pop(caller.user_id, None)
    if not asked:
        raise invalid("/recipients", "nobody")
    # 300 are allowed and 301 are not, each person counted once (ITS-49 … 52).
    most = min(policy.recipients_max, wanted.recipients_max)
    if len(asked) > most:
        raise Refused("too_many_recipients", count=len(asked), max=most)
    return tuple(asked)


def _create(
    context: Context,
    caller: Caller,
    wanted: _Wanted,
    found: _Found,
    first: InsertMessage | None,
) -> Change:
    willing = tuple(id_ for id_ in found.people if id_ not in found.refused)
    if not willing:
        raise Refused(next(iter(found.refused.values())))
    id_ = new_id()
    guards = [Guard("person", caller.user_id, found.person.version)]
    if found.roster is not None:
        roster = found.roster
        kind = "project" if roster.kind == "project" else "course"
        create = CreateConversation(
            id_,
            "project" if kind == "project" else "course",
            roster.name,
            caller.user_id,
            tuple(NewMember(one) for one in found.people),
            roster_kind=roster.kind,
            roster_id=roster.id,
        )
        guards.append(Guard("roster", f"{roster.kind}:{roster.id}", roster.version))
    else:
        everybody = tuple(NewMember(one) for one in (caller.user_id, *willing))
        alone = len(wanted.request.recipients) == 1
        key = direct_key(caller.user_id, willing[0]) if alone else None
        require(may_start(found.policy, found.person, "direct" if alone else "group"))
        create = CreateConversation(
            id_,
            "direct" if alone else "group",
            "" if alone else wanted.title,
            caller.user_id,
            everybody,
            direct_key=key,
        )
    writes: tuple[Write, ...] = (create, *_said_in(first, id_))
    return Change(
        caller.tenant,
        context.clock.now_ms(),
        writes,
        tuple(guards),
        key=wanted.key,
        result={"conversationId": id_, "refused": dict(found.refused)},
    )


async def _go_on(
    context: Context,
    caller: Caller,
    wanted: _Wanted,
    conversation_id: str,
    first: InsertMessage | None,
) -> Change:
    """The conversation is there: only a first message is new in it."""
    writes = _said_in(first, conversation_id)
    guards: tuple[Guard, ...] = ()
    place = await context.facts.place(caller.tenant, conversation_id, caller.user_id)
    if place is None:
        raise Refused("not_found")
    if writes:
        require(may("send", place.standing))
        guards = place.guards
    return Change(
        caller.tenant,
        context.clock.now_ms(),
        writes,
        guards,
        key=wanted.key,
        result={"conversationId": conversation_id, "refused": {}},
    )


async def _first_message(
    context: Context, caller: Caller, wanted: _Wanted
) -> InsertMessage | None:
    """The message that comes along, for a conversation that is not known yet."""
    message = wanted.request.message
    if message is None:
        return None
    files = Chosen()
    if message.attachment_ids is not None:
        pointer = "/message/attachmentIds"
        files = await attachments.choose(
            context, caller, message.attachment_ids, pointer
        )
    text = wanted.text
    made_up = f"start:{wanted.request.client_request_id}"
    return InsertMessage(
        id=new_id(),
        conversation_id="",
        author_id=caller.user_id,
        text=text,
        links_json=None if text is None else links_json(text),
        client_message_id=message.client_message_id or made_up,
        digest=wanted.key.digest,
        attached=files.attached,
        attachments_json=files.shown_json,
    )


def _said_in(
    first: InsertMessage | None, conversation_id: str
) -> tuple[InsertMessage, ...]:
    if first is None:
        return ()
    return (replace(first, conversation_id=conversation_id),)


async def _answer(
    context: Context, caller: Caller, result: Mapping[str, object]
) -> ConversationStarted:
    if "messageId" in result:
        record = await context.store.read(
            messages.by_id, caller.tenant, str(result["messageId"])
        )
        if record is None:
            raise Refused("not_found")
        result = {"conversationId": record.conversation_id}
    refused = result.get("refused")
    codes = refused.items() if isinstance(refused, dict) else ()
    shown = await presenting.conversation(
        context, caller, str(result["conversationId"])
    )
    return ConversationStarted(
        conversation=shown,
        refused=tuple(
            RefusedRecipient(user_id=str(id_), code=str(code)) for id_, code in codes
        ),
    )
