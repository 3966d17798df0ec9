"""Decide on facts, write, and decide again when a fact moved in between."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

import msgspec

from chatd.actions.basis.context import Context
from chatd.actions.basis.facts import Place
from chatd.domain.people import Caller
from chatd.domain.policy import Action, Verdict
from chatd.errors import Refused
from chatd.store.change import Change, Committed, Moved
from chatd.telemetry import spans
from chatd_protocol.chat.base import Request

TRIES: Final = 5
"""A deed whose facts moved this often meets a crowd: the client is to wait."""


async def carry_out(
    context: Context, change_of: Callable[[], Awaitable[Change | None]]
) -> Committed | None:
    """Commit what `change_of` says; None from it: there is nothing to do.

    Raises:
        Refused: what `change_of` and the store raise; `overloaded` when facts keep
            moving.
        AlreadyDone: the same request was carried out before.
    """
    for _ in range(TRIES):
        change = await change_of()
        if change is None:
            return None
        if (origin := spans.origin()) is not None:
            change = replace(change, origin=origin)
        try:
            with spans.within("store.commit"):
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
    require(place.may(action))
    return place


def require(verdict: Verdict, **facts: object) -> None:
    """Go on if it is allowed.

    Raises:
        Refused: with the verdict's code and these facts.
    """
    if not verdict.allowed:
        raise Refused(verdict.code, **facts)


def digest(request: Request) -> bytes:
    """Tells two requests under one client id apart: SHA-256 of the canonical form."""
    return hashlib.sha256(msgspec.json.encode(request, order="deterministic")).digest()
