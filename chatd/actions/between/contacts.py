"""Contacts: asked for, accepted, declined, taken back, listed (MOO-1 … 11)."""

from collections.abc import Callable

from chatd.actions.basis import cursors
from chatd.actions.basis.context import Context
from chatd.actions.basis.deciding import carry_out, require
from chatd.actions.basis.facts import policy_of
from chatd.actions.basis.noting import noted
from chatd.actions.between.knowing import Known, known, shown
from chatd.domain.acquaintance import may_ask
from chatd.domain.people import Caller
from chatd.errors import Refused
from chatd.store import people
from chatd.store.between import acquaintances
from chatd.store.between.acquaintances import ContactState, SetContact
from chatd.store.change import Change, Write
from chatd.store.transaction import Transaction
from chatd_protocol.chat.social.people import (
    AcceptContact,
    ChangeContact,
    Contact,
    ContactPage,
    DeclineContact,
    ListContacts,
    RemoveContact,
    RequestContact,
)

_Next = Callable[[Known], ContactState | None]
"""How the two stand afterwards; None: as they do."""


async def request(context: Context, caller: Caller, asked: RequestContact) -> Contact:
    """Ask somebody to be a contact; whoever is asked already says yes by it.

    Raises:
        Refused: why the caller may not; `recipient_unknown` for whom one cannot reach.
    """

    def after(found: Known) -> ContactState | None:
        require(may_ask(found.case))
        state = found.mine.contact
        if state == "received":
            return "accepted"
        return "sent" if state == "none" else None

    return await _set(context, caller, asked.user_id, after)


async def accept(context: Context, caller: Caller, asked: AcceptContact) -> Contact:
    """Say yes to a request.

    Raises:
        Refused: `not_found` when there is none.
    """

    def after(found: Known) -> ContactState | None:
        if found.mine.contact == "accepted":
            return None
        if found.mine.shown != "received":
            raise Refused("not_found")
        return "accepted"

    return await _set(context, caller, asked.user_id, after)


async def decline(context: Context, caller: Caller, asked: DeclineContact) -> Contact:
    """Say no to a request; it can be made again (MOO-4).

    Raises:
        Refused: `not_found` when there is none.
    """

    def after(found: Known) -> ContactState | None:
        if found.mine.shown != "received":
            raise Refused("not_found")
        return "none"

    return await _set(context, caller, asked.user_id, after)


async def remove(context: Context, caller: Caller, asked: RemoveContact) -> Contact:
    """Be contacts no longer, or take one's own request back (MOO-7)."""

    def after(found: Known) -> ContactState | None:
        if not found.acquainted:
            raise Refused("not_found")
        return "none" if found.mine.contact in ("sent", "accepted") else None

    return await _set(context, caller, asked.user_id, after)


async def change(context: Context, caller: Caller, asked: ChangeContact) -> Contact:
    """One of the four, by its name."""
    match asked.deed:
        case "request":
            return await request(context, caller, RequestContact(user_id=asked.user_id))
        case "accept":
            return await accept(context, caller, AcceptContact(user_id=asked.user_id))
        case "decline":
            return await decline(context, caller, DeclineContact(user_id=asked.user_id))
        case "remove":
            return await remove(context, caller, RemoveContact(user_id=asked.user_id))


async def page(context: Context, caller: Caller, asked: ListContacts) -> ContactPage:
    """The caller's contacts, or who asks to be one.

    Raises:
        Refused: `forbidden` where there are none; an invalid cursor.
    """
    return await context.store.read(_page, caller, asked)


async def _set(context: Context, caller: Caller, user_id: str, after: _Next) -> Contact:
    async def change() -> Change | None:
        found = await context.store.read(known, caller, user_id)
        if found.case.policy.contacts == "off":
            raise Refused("forbidden")
        state = after(found)
        if state is None:
            return None
        # What one may do there rests on being contacts where people choose (MOO-17).
        told = found.told(caller.user_id, user_id)
        writes: tuple[Write, ...] = (
            SetContact(caller.user_id, user_id, state),
            *told,
            noted(caller, "contact.changed", "person", user_id, state=state),
        )
        return Change(caller.tenant, context.clock.now_ms(), writes, found.guards)

    await carry_out(context, change)
    return await context.store.read(_one, caller, user_id)


async def _one(tx: Transaction, caller: Caller, user_id: str) -> Contact:
    person = await people.get(tx, caller.tenant, user_id)
    if person is None:
        raise Refused("not_found")
    half = await acquaintances.one(tx, caller.tenant, caller.user_id, user_id)
    return shown(half, person)


async def _page(tx: Transaction, caller: Caller, asked: ListContacts) -> ContactPage:
    tenant, me = caller.tenant, caller.user_id
    if (await policy_of(tx, tenant)).contacts == "off":
        raise Refused("forbidden")
    after = "" if asked.cursor is None else cursors.decode(asked.cursor, tuple[str])[0]
    state: ContactState = "received" if asked.filter == "requests" else "accepted"
    found = await acquaintances.contacts(
        tx, tenant, me, state, after=after, limit=asked.limit + 1
    )
    halves = found[: asked.limit]
    persons = await people.many(tx, tenant, [half.other_id for half in halves])
    more = len(found) > asked.limit
    return ContactPage(
        contacts=tuple(shown(half, persons[half.other_id]) for half in halves),
        next=cursors.encode((halves[-1].other_id,)) if more else None,
        requests=await acquaintances.waiting(tx, tenant, me),
    )
