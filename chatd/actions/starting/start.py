"""Starting a conversation, or finding the one that is there (ITS-43 … 52).

One person makes a direct conversation, once per pair; oneself one's personal space. A
course or project alone makes its own conversation, whose members follow the roster.
Several make a group of whoever the caller may write to, or get individual messages; who
may not be written to is named with the reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from chatd import metrics
from chatd.actions import presenting
from chatd.actions.basis.context import Context
from chatd.actions.basis.deciding import carry_out, require
from chatd.actions.members import refusals
from chatd.actions.saying.texts import warning
from chatd.actions.starting import individual
from chatd.actions.starting.individual import Addressed
from chatd.actions.starting.meant import KIND_OF, Meant, meant
from chatd.actions.starting.wanting import (
    Wanted,
    first_message,
    said_in,
    wanted_of,
)
from chatd.domain.content.screening import Screened
from chatd.domain.conversations import Kind, direct_key
from chatd.domain.people import Caller
from chatd.domain.verdicts import decide
from chatd.errors import Refused
from chatd.ids import new_id
from chatd.limits import Limits
from chatd.store import conversations, messages
from chatd.store.change import AlreadyDone, Change, Guard, Write
from chatd.store.conversations import CreateConversation
from chatd.store.engine import applying
from chatd.store.members import NewMember
from chatd.store.messages import InsertMessage
from chatd.store.personal import SetMarks
from chatd.store.saying import held
from chatd.store.transaction import Transaction
from chatd_protocol.chat.requests import StartConversation
from chatd_protocol.chat.results import (
    ConversationStarted,
    IndividualSent,
    RefusedRecipient,
)


@dataclass(frozen=True, slots=True)
class _Found:
    """What there is: `existing` is the conversation that is there already; `refused`
    are those of the people whom the caller may not write to, with the code."""

    meant: Meant
    refused: Mapping[str, str]
    existing: str | None
    addressed: Addressed | None = None


async def start(
    context: Context, caller: Caller, request: StartConversation
) -> ConversationStarted:
    """Start a conversation, or answer with the one that is there.

    A repeated `clientRequestId` is answered with what became of the first one.

    Raises:
        Refused: `invalid_request`, `idempotency_conflict`, `too_many_recipients`, or
            why the caller may not write to the only recipient or start at all.
    """
    wanted = wanted_of(context, caller, request)
    earlier = await context.store.read(
        applying.request_result, caller.tenant, wanted.key
    )
    if earlier is not None:
        metrics.IDEMPOTENT_REPLAYS.inc()
        return await _answer(context, caller, earlier)
    results: list[dict[str, object]] = []
    screened: Screened | None = None

    async def change() -> Change:
        nonlocal screened
        first = await first_message(context, caller, wanted)
        screened = None if first is None else first.screened
        found = await context.store.read(_find, caller, wanted, first, context.limits)
        if found.existing is not None:
            made = await _go_on(context, caller, wanted, found.existing, first)
        else:
            made = _create(context, caller, wanted, found, first)
        results.append(dict(made.result or {}))
        return made

    try:
        await carry_out(context, change)
    except AlreadyDone as done:
        metrics.IDEMPOTENT_REPLAYS.inc()
        # The key, or the first message's own id: either names the conversation.
        return await _answer(context, caller, done.result)
    answer = await _answer(context, caller, results[-1])
    return msgspec.structs.replace(answer, warning=warning(screened))


async def _find(
    tx: Transaction,
    caller: Caller,
    wanted: Wanted,
    first: InsertMessage | None,
    limits: Limits,
) -> _Found:
    asked = await meant(tx, caller, wanted.request.recipients, limits)
    tenant, roster = caller.tenant, asked.roster
    several = roster is not None or asked.alone is None
    if several and first is not None and wanted.request.mode == "individual":
        _require(asked, "direct")
        refused = await refusals(tx, caller, list(asked.people), kind="direct")
        addressed = await individual.addressed(tx, caller, asked.people, refused, first)
        return _Found(asked, addressed.refused, None, addressed)
    if roster is not None:
        existing = await conversations.of_roster(tx, tenant, roster.kind, roster.id)
        return _Found(asked, {}, existing)
    if asked.alone is None:
        _require(asked, "group")
        refused = await refusals(tx, caller, list(asked.people), kind="group")
        return _Found(asked, refused, None)
    _require(asked, "self" if asked.oneself else "direct")
    key = direct_key(caller.user_id, asked.alone.id)
    existing = await conversations.direct(tx, tenant, key)
    look = existing is None and not asked.oneself
    refused = (
        await refusals(tx, caller, list(asked.people), kind="direct") if look else {}
    )
    return _Found(asked, refused, existing)


def _require(asked: Meant, kind: Kind) -> None:
    most = asked.policy.recipients_max
    verdict = decide("start", asked.case(kind))
    facts = {"count": len(asked.people), "max": most}
    too_many = verdict.code == "too_many_recipients"
    require(verdict, **(facts if too_many else {}))


def _create(
    context: Context,
    caller: Caller,
    wanted: Wanted,
    found: _Found,
    first: InsertMessage | None,
) -> Change:
    asked, addressed = found.meant, found.addressed
    version, now_ms = asked.starter.person.version, context.clock.now_ms()
    if asked.people and set(asked.people) <= found.refused.keys():
        raise Refused(next(iter(found.refused.values())))
    if addressed is not None:
        return individual.change(caller, wanted, addressed, version, now_ms)
    create = _new(caller, wanted, found)
    guards = [Guard("person", caller.user_id, version)]
    if asked.roster is not None:
        name = f"{asked.roster.kind}:{asked.roster.id}"
        guards.append(Guard("roster", name, asked.roster.version))
    writes: tuple[Write, ...] = (create,)
    if create.kind == "self":  # MOO-32
        writes += (SetMarks(create.id, caller.user_id, starred=True),)
    return Change(
        caller.tenant,
        now_ms,
        (*writes, *said_in(first, create.id)),
        tuple(guards),
        key=wanted.key,
        result={"conversationId": create.id, "refused": dict(found.refused)},
    )


def _new(caller: Caller, wanted: Wanted, found: _Found) -> CreateConversation:
    asked, id_, roster = found.meant, new_id(), found.meant.roster
    if roster is not None:
        everybody = {caller.user_id: None, **dict.fromkeys(asked.people)}
        return CreateConversation(
            id_,
            KIND_OF[roster.kind],
            roster.name,
            caller.user_id,
            tuple(NewMember(one) for one in sorted(everybody)),
            roster_kind=roster.kind,
            roster_id=roster.id,
        )
    willing = [one for one in asked.people if one not in found.refused]
    members = tuple(NewMember(one) for one in (caller.user_id, *willing))
    if asked.alone is None:
        return CreateConversation(id_, "group", wanted.title, caller.user_id, members)
    return CreateConversation(
        id_,
        "self" if asked.oneself else "direct",
        "",
        caller.user_id,
        members,
        direct_key=direct_key(caller.user_id, asked.alone.id),
    )


async def _go_on(
    context: Context,
    caller: Caller,
    wanted: Wanted,
    conversation_id: str,
    first: InsertMessage | None,
) -> Change:
    """The conversation is there: only a first message is new in it."""
    writes = said_in(first, conversation_id)
    guards: tuple[Guard, ...] = ()
    place = await context.facts.place(caller.tenant, conversation_id, caller.user_id)
    if place is None:
        raise Refused("not_found")
    if writes:
        require(place.may("send"))
        guards = place.guards
    return Change(
        caller.tenant,
        context.clock.now_ms(),
        writes,
        guards,
        key=wanted.key,
        result={"conversationId": conversation_id, "refused": {}},
    )


async def _answer(
    context: Context, caller: Caller, result: Mapping[str, object]
) -> ConversationStarted:
    if "heldId" in result:
        waits = await context.store.read(
            held.by_id, caller.tenant, str(result["heldId"])
        )
        if waits is None:
            raise Refused("not_found")
        result = {"conversationId": waits.message.conversation_id}
    if "messageId" in result:
        record = await context.store.read(
            messages.by_id, caller.tenant, str(result["messageId"])
        )
        if record is None:
            raise Refused("not_found")
        result = {"conversationId": record.conversation_id}
    refused, sent = result.get("refused"), result.get("individual")
    codes = refused.items() if isinstance(refused, dict) else ()
    id_ = str(result["conversationId"])
    shown = await presenting.conversation(context, caller, id_)
    one_by_one = None
    if isinstance(sent, list):
        ids = tuple(str(one) for one in sent)
        one_by_one = IndividualSent(id=id_, count=len(ids), conversation_ids=ids)
    return ConversationStarted(
        conversation=shown,
        individual=one_by_one,
        refused=tuple(
            RefusedRecipient(user_id=str(who), code=str(code)) for who, code in codes
        ),
    )
