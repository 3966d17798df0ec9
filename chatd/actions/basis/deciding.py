"""Decide on facts, write, and decide again when a fact moved in between."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from chatd.actions.basis.context import Context
from chatd.actions.basis.facts import Place
from chatd.domain.people import Caller
from chatd.domain.policy import Action, Verdict
from chatd.domain.verdicts import may
from chatd.errors import Refused
from chatd.store.change import Change, Committed, Moved
from chatd_protocol.chat.base import Request

TRIES: Final = 5
"""A deed whose facts moved this often meets a crowd: the client is to wait."""


async def carry_out(
    context: Context, decide: Callable[[], Awaitable[Change | None]]
) -> Committed | None:
    """Commit what `decide` says; None from it: there is nothing to do.

    Raises:
        Refused: what `decide` and the store raise; `overloaded` when facts keep moving.
        AlreadyDone: the same request was carried out before.
    """
    for _ in range(TRIES):
        change = await decide()
        if change is None:
            return None
        try:
            return await context.store.commit(change)
        except Moved:
            for guard in change.guards:
                context.facts.drop(change.tenant, guard.noun, guard.id)
    raise Refused("overloaded", retryAfter=1)


async def place_of(context: Context, caller: Caller, conversation_id: str) -> Place:
    """The caller's place in a conversation.

    Raises:
        Refused: `not_found` to strangers, whether there is such a conversation or not.
    """
    place = await context.facts.place(caller.tenant, conversation_id, caller.user_id)
    if place is None:
        raise Refused("not_found")
    return place


async def allowed_place(
    context: Context, caller: Caller, conversation_id: str, action: Action
) -> Place:
    """The caller's place, if the caller may do this there.

    Raises:
        Refused: `not_found`, or the verdict's code.
    """
    place = await place_of(context, caller, conversation_id)
    require(may(action, place.standing))
    return place


def require(verdict: Verdict) -> None:
    """Go on if it is allowed.

    Raises:
        Refused: with the verdict's code.
    """
    if not verdict.allowed:
        raise Refused(verdict.code)


def digest(request: Request) -> bytes:
    """Tells two requests under one client id apart: SHA-256 of the canonical form."""
    return hashlib.sha256(msgspec.json.encode(request, order="deterministic")).digest()
