"""Decide, write, answer: how every deed of the directory goes."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from chatd.actions.basis.context import Context
from chatd.actions.basis.deciding import carry_out
from chatd.domain.people import Caller
from chatd.errors import Refused
from chatd.store import tenants
from chatd.store.change import Change, Guard, Write

T = TypeVar("T")

Decide = Callable[[], Awaitable[tuple[T, tuple[Write, ...], tuple[Guard, ...]]]]
"""The answer, what to write (nothing: it is so already), and the facts' versions."""


async def commit(context: Context, caller: Caller, decide: Decide[T]) -> T:
    """Carry a decision out; the answer returns when it is on disk.

    Raises:
        Refused: what `decide` raises; `overloaded` when facts keep moving.
    """
    answers: list[T] = []

    async def change() -> Change | None:
        answer, writes, guards = await decide()
        answers.append(answer)
        at_ms = context.clock.now_ms()
        return Change(caller.tenant, at_ms, writes, guards) if writes else None

    await carry_out(context, change)
    return answers[-1]


async def require_tenant(context: Context, caller: Caller) -> None:
    """Nothing is written for a tenant that nobody created.

    Raises:
        Refused: `not_found`.
    """
    if await context.store.read(tenants.get, caller.tenant) is None:
        raise Refused("not_found")
