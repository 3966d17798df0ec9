"""Finding what was said, in one conversation or in all of the caller's (ITS-13, 71)."""

from typing import Final

from chatd.actions import presenting
from chatd.actions.basis import cursors
from chatd.actions.basis.context import Context
from chatd.actions.basis.deciding import place_of
from chatd.actions.basis.facts import policy_of
from chatd.domain.content.searching import Term, terms_of
from chatd.domain.people import Caller
from chatd.limits import Limits
from chatd.store import messages
from chatd.store.content import search
from chatd.store.content.search import NEWEST, Sought
from chatd.store.transaction import Transaction
from chatd_protocol.chat import requests
from chatd_protocol.chat.objects import HIDDEN
from chatd_protocol.chat.results import SearchPage

PLACES_MAX: Final = 200
"""Conversations that are named to the index; who is in more shares a good part of the
tenant with everybody, and all of it is looked through."""


async def find(
    context: Context, caller: Caller, request: requests.Search
) -> SearchPage:
    """Messages that the caller may see now and that have all the words, newest first.

    Without a conversation it is looked for in those that the caller is in (ITS-74); in
    one that the caller has left, only when it is named.

    Words are those of any language; a quoted part is a phrase; whatever else a search
    engine would take for an operator is no more than what it looks like.

    Raises:
        Refused: `not_found` for a conversation the caller never was in.
    """
    before = NEWEST
    if request.cursor is not None:
        (given,) = cursors.decode(request.cursor, tuple[int])
        before = max(0, min(given, NEWEST))
    if request.conversation_id is not None:
        await place_of(context, caller, request.conversation_id)
    terms = terms_of(request.text)
    if not terms:
        return SearchPage(messages=(), conversations=())
    return await context.store.read(
        _find, caller, request, terms, before, context.limits
    )


async def _find(
    tx: Transaction,
    caller: Caller,
    request: requests.Search,
    terms: tuple[Term, ...],
    before: int,
    limits: Limits,
) -> SearchPage:
    tenant, user_id = caller.tenant, caller.user_id
    where: tuple[str, ...] | None = (request.conversation_id or "",)
    if request.conversation_id is None:
        where = await search.places(tx, tenant, user_id, PLACES_MAX)
    if where == ():
        return SearchPage(messages=(), conversations=())
    policy = await policy_of(tx, tenant)
    sought = Sought(
        user_id,
        terms,
        where,
        policy.history_for_new_members,
        before,
        left=request.conversation_id is not None,
    )
    hits = await search.find(tx, tenant, sought, request.limit)
    records = await messages.many(tx, tenant, [id_ for _, id_ in hits.found])
    ids = dict.fromkeys(record.conversation_id for record in records.values())
    gathered = await presenting.gather(tx, tenant, user_id, list(ids), limits)
    views = {view.record.id: view for view in gathered.views}
    ordered = [records[id_] for _, id_ in hits.found]
    return SearchPage(
        messages=tuple(
            message
            for record in ordered
            for message in presenting.seen(views[record.conversation_id], [record])
            # What the caller has deleted for himself is found no more.
            if message.removed is None or message.removed.notice != HIDDEN
        ),
        conversations=tuple(
            presenting.shown(gathered, view, limits) for view in gathered.views
        ),
        next=None if hits.rest is None else cursors.encode((hits.rest,)),
    )
