"""Blocks, in direct conversations only (ITS-94 … 98, MOO-25 … 29).

Where blocking is silent the other side is told nothing: no event, no position, nothing
in `denied`, until they try to write.
"""

from chatd.actions import presenting
from chatd.actions.basis import cursors
from chatd.actions.basis.context import Context
from chatd.actions.basis.deciding import carry_out, require
from chatd.actions.basis.noting import noted
from chatd.actions.between.knowing import known
from chatd.domain.acquaintance import may_block, powerless
from chatd.domain.people import Caller
from chatd.store import people
from chatd.store.between import acquaintances
from chatd.store.between.acquaintances import SetBlock
from chatd.store.change import Change, Write
from chatd.store.transaction import Transaction
from chatd_protocol.chat.social.people import (
    BlockPage,
    BlockState,
    BlockUser,
    GetBlock,
    ListBlocks,
    UnblockUser,
)


async def block(context: Context, caller: Caller, request: BlockUser) -> BlockState:
    """Hear no more from somebody in private. Nothing is kept where it has no effect.

    Raises:
        Refused: `forbidden` where there is no blocking; `recipient_unknown`.
    """
    return await _set(context, caller, request.user_id, blocked=True)


async def unblock(context: Context, caller: Caller, request: UnblockUser) -> BlockState:
    """Let somebody write again.

    Raises:
        Refused: as `block`.
    """
    return await _set(context, caller, request.user_id, blocked=False)


async def get(context: Context, caller: Caller, request: GetBlock) -> BlockState:
    """Whether the caller has blocked somebody.

    Raises:
        Refused: as `block`.
    """
    found = await context.store.read(known, caller, request.user_id)
    require(may_block(found.case, acquainted=found.acquainted))
    return _shown(request.user_id, found.mine.blocked, exempt=powerless(found.case))


async def page(context: Context, caller: Caller, request: ListBlocks) -> BlockPage:
    """Whom the caller has blocked.

    Raises:
        Refused: an invalid cursor.
    """
    return await context.store.read(_page, caller, request)


async def _set(
    context: Context, caller: Caller, user_id: str, *, blocked: bool
) -> BlockState:
    exempt = False

    async def change() -> Change | None:
        nonlocal exempt
        found = await context.store.read(known, caller, user_id)
        require(may_block(found.case, acquainted=found.acquainted))
        exempt = powerless(found.case)
        if found.mine.blocked == blocked or (blocked and exempt):
            return None
        silent = found.case.policy.block.mode == "mutual_silent"
        told = (caller.user_id,) if silent else (caller.user_id, user_id)
        writes: tuple[Write, ...] = (
            SetBlock(caller.user_id, user_id, blocked),
            *found.told(*told),
            noted(
                caller, "block.set" if blocked else "block.lifted", "person", user_id
            ),
        )
        return Change(caller.tenant, context.clock.now_ms(), writes, found.guards)

    await carry_out(context, change)
    return _shown(user_id, blocked and not exempt, exempt=exempt)


def _shown(user_id: str, blocked: bool, *, exempt: bool) -> BlockState:
    return BlockState(user_id=user_id, blocked=blocked, exempt=exempt or None)


async def _page(tx: Transaction, caller: Caller, request: ListBlocks) -> BlockPage:
    tenant, me = caller.tenant, caller.user_id
    cursor = request.cursor
    after = "" if cursor is None else cursors.decode(cursor, tuple[str])[0]
    found = await acquaintances.blocks(
        tx, tenant, me, after=after, limit=request.limit + 1
    )
    ids = [half.other_id for half in found[: request.limit]]
    persons = await people.many(tx, tenant, ids)
    more = len(found) > request.limit
    return BlockPage(
        users=tuple(presenting.participant(persons[id_]) for id_ in ids),
        next=cursors.encode((ids[-1],)) if more else None,
    )
