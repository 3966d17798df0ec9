"""An administrator sees and changes another person's settings (MOO-75)."""

from chatd.actions import me
from chatd.actions.basis.context import Context
from chatd.actions.basis.noting import note_look
from chatd.domain.people import Caller
from chatd.errors import Refused
from chatd.store import people
from chatd_protocol.chat import requests
from chatd_protocol.chat.http.keeping import GetUserPreferences, PutUserPreferences
from chatd_protocol.chat.objects import Preferences


async def get(
    context: Context, caller: Caller, request: GetUserPreferences
) -> Preferences:
    """Another person's settings.

    Raises:
        Refused: `not_found`.
    """
    found = await context.store.read(people.get, caller.tenant, request.user_id)
    if found is None:
        raise Refused("not_found")
    about = ("person", request.user_id)
    await note_look(context, caller, "person.preferences_read", *about)
    return me.preferences_of(found)


async def put(
    context: Context, caller: Caller, request: PutUserPreferences
) -> Preferences:
    """Change another person's settings, as that person would.

    Raises:
        Refused: `not_found`.
    """
    if await context.store.read(people.get, caller.tenant, request.user_id) is None:
        raise Refused("not_found")
    about = ("person", request.user_id)
    await note_look(context, caller, "person.preferences_changed", *about)
    asked = requests.UpdatePreferences(
        enter_sends=request.enter_sends,
        language=request.language,
        accepts=request.accepts,
    )
    person = Caller(caller.tenant, request.user_id)
    return await me.update_preferences(context, person, asked)
