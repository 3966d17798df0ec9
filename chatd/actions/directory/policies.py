"""A tenant's rules: read, changed with immediate effect, and asked: may A do this."""

from dataclasses import replace
from typing import cast

import msgspec

from chatd.actions.basis.context import Context
from chatd.actions.basis.deciding import place_of
from chatd.actions.basis.facts import between_two, parties, policy_of
from chatd.actions.basis.noting import noted
from chatd.actions.directory.groups import begin_talks
from chatd.actions.directory.telling import retold
from chatd.domain.cases import ROSTER_KINDS, Case
from chatd.domain.people import Caller
from chatd.domain.policy import Policy as Rules
from chatd.domain.presets.changing import as_json, differences, effective
from chatd.domain.verdicts import decide
from chatd.errors import Refused, invalid
from chatd.store import messages, tenants
from chatd.store.change import Change
from chatd.store.tenants import PutPolicy as Put
from chatd.store.tenants import TenantRecord
from chatd.store.transaction import Transaction
from chatd_protocol.chat.directory import Preset
from chatd_protocol.chat.policy import (
    CheckPolicy,
    GetPolicy,
    Policy,
    PolicyVerdict,
    PutPolicy,
)


async def get(context: Context, caller: Caller, request: GetPolicy) -> Policy:
    """The rules of the caller's own tenant.

    Raises:
        Refused: `not_found` for any other.
    """
    found = await _own(context, caller, request.tenant_id)
    return _shown(found.preset, found.changes)


async def put(context: Context, caller: Caller, request: PutPolicy) -> Policy:
    """Change the rules of the caller's own tenant; they hold at once, for everybody.

    Keys that are absent follow the preset. Whoever may do other things than before is
    told (`permissions.changed`).

    Raises:
        Refused: `not_found`; `invalid_request` with a pointer to what is no policy.
    """
    found = await _own(context, caller, request.tenant_id)
    preset = request.preset or found.preset
    changes = msgspec.json.encode(
        differences(preset, request.policy), order="deterministic"
    ).decode()
    if (preset, changes) != (found.preset, found.changes):
        before = effective(found.preset, found.changes)
        after = effective(preset, changes)
        note = noted(
            caller,
            "policy.changed",
            "tenant",
            caller.tenant,
            keys=_changed(before, after),
            preset=preset,
        )
        now_ms = context.clock.now_ms()
        writes = (Put(preset, changes), note)
        await context.store.commit(Change(caller.tenant, now_ms, writes))
        await retold(context, caller.tenant, before, after)
        await begin_talks(context, caller.tenant, before, after)
    return _shown(preset, changes)


async def _own(context: Context, caller: Caller, tenant_id: str) -> TenantRecord:
    found = await context.store.read(tenants.get, tenant_id)
    if found is None or tenant_id != caller.tenant:
        raise Refused("not_found")
    return found


def _changed(before: Rules, after: Rules) -> list[str]:
    old, new = as_json(before), as_json(after)
    return [key for key in new if new[key] != old[key]]


def _shown(preset: str, changes: str) -> Policy:
    return Policy(
        preset=cast(Preset, preset),
        policy=as_json(effective(preset, changes)),
        changed=tuple(msgspec.json.decode(changes, type=dict[str, object])) or None,
    )


async def check(
    context: Context, caller: Caller, request: CheckPolicy
) -> PolicyVerdict:
    """Whether the caller may do something, why not, and which row of the rules says so.

    It is the very function that the deed itself asks. A silent block stays silent.

    Raises:
        Refused: `not_found` for a conversation or message that the caller does not see;
            `invalid_request` without what the action is about.
    """
    if request.action in ("initiate", "start"):
        case = await context.store.read(_of_people, caller, request)
    else:
        case = await _of_conversation(context, caller, request)
    verdict = decide(request.action, case)
    if verdict.silent:
        return PolicyVerdict(allowed=True, rule=request.action)
    return PolicyVerdict(
        allowed=verdict.allowed, rule=verdict.rule, code=verdict.code or None
    )


async def _of_people(tx: Transaction, caller: Caller, request: CheckPolicy) -> Case:
    ids = [caller.user_id]
    if request.action == "initiate":
        if request.user_id is None:
            raise invalid("/userId", "required")
        ids.append(request.user_id)
    elif request.kind is None:
        raise invalid("/kind", "required")
    known = await parties(tx, caller.tenant, ids)
    if caller.user_id not in known:
        raise Refused("not_found")
    sender = known[caller.user_id]
    kind = request.kind or "direct"
    roster = (ROSTER_KINDS.get(kind, ""), request.roster_id or "")
    return Case(
        await policy_of(tx, caller.tenant),
        sender,
        known.get(request.user_id) if request.user_id is not None else None,
        await between_two(tx, caller.tenant, caller.user_id, request.user_id),
        kind=kind,
        roster_role=sender.role_in(*roster),
        count=request.count,
    )


async def _of_conversation(
    context: Context, caller: Caller, request: CheckPolicy
) -> Case:
    id_, message = request.conversation_id, None
    if request.message_id is not None:
        message = await context.store.read(
            messages.by_id, caller.tenant, request.message_id
        )
        if message is None:
            raise Refused("not_found")
        id_ = message.conversation_id
    if id_ is None:
        raise invalid("/conversationId", "required")
    place = await place_of(context, caller, id_)
    if message is not None and not place.sees(message.seq):
        raise Refused("not_found")
    return replace(place.case, message=message, now_ms=context.clock.now_ms())
