"""The caller's own person and settings."""

from typing import Final

from chatd.actions.basis.context import Context
from chatd.actions.basis.deciding import carry_out
from chatd.domain.people import Caller, PersonRecord
from chatd.errors import Refused
from chatd.limits import describe
from chatd.store import people, personal
from chatd.store.change import Change
from chatd.store.personal import SetPreferences
from chatd.store.transaction import Transaction
from chatd_protocol.chat import requests
from chatd_protocol.chat.objects import Person, Preferences
from chatd_protocol.chat.results import Me

FEATURES: Final = ("watchEvents", "attachments", "search")
"""What this server offers beyond the methods that every version has."""


async def get(context: Context, caller: Caller, _request: requests.GetMe) -> Me:
    """Who the caller is, what there is to use, and within which limits.

    Raises:
        Refused: `not_found` for somebody who was taken out of the directory.
    """
    person, seq = await context.store.read(_me, caller)
    if person is None:
        raise Refused("not_found")
    return Me(
        person=Person(
            id=person.id,
            name=person.name,
            roles=person.roles,
            tenant=caller.tenant,
            title=person.title,
            avatar_url=person.avatar_url,
            messaging_disabled=True if person.messaging_disabled else None,
        ),
        preferences=preferences_of(person),
        features=FEATURES,
        limits=describe(context.limits),
        personal_seq=seq,
        epoch=context.store.epoch,
    )


async def _me(tx: Transaction, caller: Caller) -> tuple[PersonRecord | None, int]:
    person = await people.get(tx, caller.tenant, caller.user_id)
    return person, await personal.head(tx, caller.tenant, caller.user_id)


def preferences_of(person: PersonRecord) -> Preferences:
    """A person's settings as the contract shows them."""
    return Preferences(enter_sends=person.enter_sends, language=person.language)


async def update_preferences(
    context: Context, caller: Caller, request: requests.UpdatePreferences
) -> Preferences:
    """Change the caller's settings, on all the caller's devices."""
    write = SetPreferences(caller.user_id, request.enter_sends, request.language)

    async def decide() -> Change | None:
        if request.enter_sends is None and request.language is None:
            return None
        return Change(caller.tenant, context.clock.now_ms(), (write,))

    await carry_out(context, decide)
    person = await context.store.read(people.get, caller.tenant, caller.user_id)
    if person is None:
        raise Refused("not_found")
    return preferences_of(person)
