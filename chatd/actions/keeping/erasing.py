"""A person is erased for good: texts, names, files, drafts, contacts, preferences."""

import asyncio
from typing import Final

from chatd.actions.basis.context import Context
from chatd.actions.basis.deciding import carry_out
from chatd.actions.basis.facts import policy_of
from chatd.actions.basis.noting import noted
from chatd.actions.directory import people as directory
from chatd.actions.keeping import purging
from chatd.domain.members import SEQ_MAX
from chatd.domain.people import Caller
from chatd.domain.policy import Policy
from chatd.errors import Refused
from chatd.store import people
from chatd.store.change import Change, Write
from chatd.store.keeping import erasing, holds, vault
from chatd.store.keeping.erasing import ErasePerson
from chatd.store.keeping.holds import Unheld
from chatd.store.keeping.vault import EmptyVault
from chatd.store.messages import RemoveMessage
from chatd.store.removing.copies import RemoveCopies
from chatd.store.saying.held import DropHeld
from chatd_protocol.chat.directory import DeleteUser
from chatd_protocol.chat.http.keeping import ErasedPerson, EraseUser
from chatd_protocol.chat.objects import WITHOUT_TRACE

NOTICE: Final = "removed"
"""Left where the policy leaves a trace at all; never who the author was."""


async def erase(context: Context, caller: Caller, request: EraseUser) -> ErasedPerson:
    """Take away everything of a person that is not somebody else's (MOO-91).

    First the person, then what was said, batch by batch: whoever is interrupted asks
    once more and it goes on. Ids stay, so that conversations of others hold.

    Raises:
        Refused: `not_found`; `legal_hold` when something of it must be kept.
    """
    tenant, user_id = caller.tenant, request.user_id
    if await context.store.read(people.get, tenant, user_id) is None:
        raise Refused("not_found")
    await _require_no_hold(context, tenant, user_id)
    policy = await context.store.read(policy_of, tenant)
    # From here on nobody speaks as this person, so that there is an end to it.
    await directory.delete(context, caller, DeleteUser(user_id=user_id))

    await _erase(context, caller, user_id)
    # Words last: each removal wakes whoever deletes bytes.
    removed = 0
    while count := await _remove_some(context, tenant, user_id, policy):
        removed += count
        await asyncio.sleep(purging.PAUSE_S)
    if removed:
        # Meanwhile others could report them, and staff remove them: both keep a copy.
        await _erase(context, caller, user_id)
    erased = await context.store.read(people.get, tenant, user_id)
    assert erased is not None
    await directory.hint(context, tenant, erased)
    return ErasedPerson(user_id=user_id, messages=removed)


async def _erase(context: Context, caller: Caller, user_id: str) -> None:
    tenant = caller.tenant

    async def emptied() -> Change | None:
        await _require_no_hold(context, tenant, user_id)
        kept = await context.store.read(
            vault.due,
            tenant,
            before_ms=SEQ_MAX,
            author_id=user_id,
            limit=purging.AT_ONCE,
        )
        writes = (Unheld(user_id), EmptyVault(kept))
        return Change(tenant, context.clock.now_ms(), writes) if kept else None

    # What is kept of years goes bit by bit: no Change is as large as that.
    emptying = True
    while emptying:
        emptying = await carry_out(context, emptied) is not None
        await asyncio.sleep(purging.PAUSE_S)

    async def change() -> Change:
        await _require_no_hold(context, tenant, user_id)
        titled = await context.store.read(erasing.titled, tenant, user_id)
        writes: tuple[Write, ...] = (
            Unheld(user_id),
            ErasePerson(user_id, titled),
            noted(caller, "person.erased", "person", user_id),
        )
        return Change(tenant, context.clock.now_ms(), writes)

    await carry_out(context, change)


async def _require_no_hold(context: Context, tenant: str, user_id: str) -> None:
    if await context.store.read(holds.of_person, tenant, user_id):
        raise Refused("legal_hold")


async def _remove_some(
    context: Context, tenant: str, user_id: str, policy: Policy
) -> int:
    removed = 0

    async def change() -> Change | None:
        nonlocal removed
        await _require_no_hold(context, tenant, user_id)
        whose = (tenant, user_id, purging.AT_ONCE)
        found = await context.store.read(erasing.said, *whose)
        late = await context.store.read(erasing.waiting, *whose)
        removed = len(found) + len(late)
        if not removed:
            return None
        notice = WITHOUT_TRACE if policy.tombstone == "none" else NOTICE
        writes: list[Write] = [Unheld(user_id)]
        going = frozenset(id_ for id_, _, _ in found)
        writes += (DropHeld(*one, files=True) for one in late)
        for id_, conversation_id, forwarded in found:
            removal = RemoveMessage(
                id_,
                conversation_id,
                None,
                None,
                notice,
                history=policy.history_for_new_members,
                for_good=True,
            )
            if not forwarded:
                # With its files, where they are in messages of others; a forwarded one
                # has no copies but those that its original has, too.
                writes.append(RemoveCopies(removal, going))
            writes.append(removal)
        return Change(tenant, context.clock.now_ms(), tuple(writes))

    await carry_out(context, change)
    return removed
