"""Legal holds are set and lifted, by name."""

from chatd.actions.basis.context import Context
from chatd.actions.basis.noting import note_look, noted
from chatd.clock import rfc3339
from chatd.domain.people import Caller
from chatd.errors import Refused, invalid
from chatd.store import conversations, people
from chatd.store.change import Change
from chatd.store.keeping import holds
from chatd.store.keeping.holds import LiftHold, SetHold
from chatd_protocol.chat.http.keeping import (
    DeleteHold,
    Hold,
    HoldList,
    ListHolds,
    PutHold,
)
from chatd_protocol.chat.results import Empty


async def put(context: Context, caller: Caller, request: PutHold) -> Hold:
    """Hold a conversation or a person: nothing of it is purged or erased.

    Raises:
        Refused: `invalid_request` unless one of the two is named; `not_found`.
    """
    if (request.conversation_id is None) == (request.user_id is None):
        raise invalid("", "one_of_two")
    write = SetHold(
        request.name,
        "person" if request.conversation_id is None else "conversation",
        request.conversation_id or request.user_id or "",
        caller.user_id,
    )
    find = people.get if write.about_kind == "person" else conversations.record
    if await context.store.read(find, caller.tenant, write.about_id) is None:
        raise Refused("not_found")
    note = noted(
        caller, "hold.set", write.about_kind, write.about_id, name=request.name
    )
    now_ms = context.clock.now_ms()
    await context.store.commit(Change(caller.tenant, now_ms, (write, note)))
    return _shown(
        holds.Hold(write.name, write.about_kind, write.about_id, write.by, now_ms)
    )


async def lift(context: Context, caller: Caller, request: DeleteHold) -> Empty:
    """Lift a hold. What was due meanwhile goes with the next purge.

    Raises:
        Refused: `not_found`.
    """
    found = await context.store.read(holds.every, caller.tenant)
    known = next((one for one in found if one.name == request.name), None)
    if known is None:
        raise Refused("not_found")
    note = noted(
        caller, "hold.lifted", known.about_kind, known.about_id, name=known.name
    )
    writes = (LiftHold(known.name), note)
    now_ms = context.clock.now_ms()
    await context.store.commit(Change(caller.tenant, now_ms, writes))
    return Empty()


async def listed(context: Context, caller: Caller, _request: ListHolds) -> HoldList:
    """All holds of the tenant."""
    await note_look(context, caller, "holds.read", "tenant", caller.tenant)
    found = await context.store.read(holds.every, caller.tenant)
    return HoldList(holds=tuple(map(_shown, found)))


def _shown(hold: holds.Hold) -> Hold:
    about = hold.about_id
    of_person = hold.about_kind == "person"
    return Hold(
        name=hold.name,
        conversation_id=None if of_person else about,
        user_id=about if of_person else None,
        set_by=hold.set_by,
        set_at=rfc3339(hold.set_at_ms),
    )
