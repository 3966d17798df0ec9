"""Whom the caller may write to, by part of a name (ITS-43, ITS-54)."""

from typing import Final

from chatd.actions.basis.context import Context
from chatd.actions.basis.facts import policy_of
from chatd.actions.members import judged
from chatd.domain.people import Caller
from chatd.store import people, rosters
from chatd.store.transaction import Transaction
from chatd_protocol.chat import requests
from chatd_protocol.chat.results import RecipientFound, RecipientsFound

LOOKED_AT: Final = 500
"""People whose name fits that are judged; whoever searches wider types more letters."""


async def search(
    context: Context, caller: Caller, request: requests.SearchRecipients
) -> RecipientsFound:
    """People, courses and projects with this part in their name, none that is refused.

    Who may not be written to is absent rather than listed with a reason (TUT-22).
    """
    return await context.store.read(_search, caller, request)


async def _search(
    tx: Transaction, caller: Caller, request: requests.SearchRecipients
) -> RecipientsFound:
    named = await people.search(tx, caller.tenant, request.text, LOOKED_AT)
    ids = [person.id for person in named if person.id != caller.user_id]
    verdicts = await judged(tx, caller, ids, kind="direct")
    found = [
        RecipientFound(
            kind="user",
            id=person.id,
            name=person.name,
            title=person.title,
            avatar_url=person.avatar_url,
        )
        for person in named
        # Who has blocked the caller in silence is found as ever (ITS-96).
        if person.id in verdicts
        and (verdicts[person.id].allowed or verdicts[person.id].silent)
    ]
    policy = await policy_of(tx, caller.tenant)
    kinds = sorted(kind for kind in policy.recipient_kinds if kind != "user")
    followed = await rosters.search(
        tx,
        caller.tenant,
        request.text,
        kinds=kinds,
        member=caller.user_id,
        limit=request.limit,
    )
    found += [
        RecipientFound(kind=one.kind, id=one.id, name=one.name, size=one.size)
        for one in followed
    ]
    return RecipientsFound(recipients=tuple(found[: request.limit]))
