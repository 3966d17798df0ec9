"""Read, decide, write, and again with fresh facts when somebody else was faster."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from chatd.actions.context import Context
from chatd.domain.people import Caller
from chatd.errors import Refused
from chatd.store import tenants
from chatd.store.change import Change, Guard, Moved, Write

TRIES: Final = 5

T = TypeVar("T")

Decide = Callable[[], Awaitable[tuple[T, tuple[Write, ...], tuple[Guard, ...]]]]
"""The answer, what to write (nothing: it is so already), and the facts' versions."""


async def commit(context: Context, caller: Caller, decide: Decide[T]) -> T:
    """Carry a decision out; the answer returns when it is on disk.

    Raises:
        Refused: what `decide` raises; `overloaded` when facts keep moving.
    """
    for _ in range(TRIES):
        answer, writes, guards = await decide()
        if not writes:
            return answer
        change = Change(caller.tenant, context.clock.now_ms(), writes, guards)
        try:
            await context.store.commit(change)
        except Moved:
            continue
        return answer
    raise Refused("overloaded", retryAfter=1)


async def require_tenant(context: Context, caller: Caller) -> None:
    """Nothing is written for a tenant that nobody created.

    Raises:
        Refused: `not_found`.
    """
    if await context.store.read(tenants.get, caller.tenant) is None:
        raise Refused("not_found")
