"""If these fail, an administrator cannot help with settings, or does so unseen."""

from chatd.actions import me
from chatd.actions.keeping import settings
from chatd.store.tenants import PutTenant
from chatd_protocol.chat.http.keeping import GetUserPreferences, PutUserPreferences
from chatd_protocol.chat.objects import Preferences
from chatd_protocol.chat.requests import GetMe
from tests.actions.deeds import refused, who
from tests.actions.keeping.trailing import ADMIN, noted
from tests.support.house import House


async def test_an_administrator_changes_anothers_settings(school: House) -> None:
    """MOO-75, MOO-82: view and change another user's preferences."""
    await school.write(PutTenant("School", "moodle"))
    put = PutUserPreferences(user_id="sue", language="nb", accepts="contacts")
    wanted = Preferences(enter_sends=False, language="nb", accepts="contacts")
    assert await settings.put(school.context, ADMIN, put) == wanted
    get = GetUserPreferences(user_id="sue")
    assert await settings.get(school.context, ADMIN, get) == wanted
    known = await me.get(school.context, who("sue"), GetMe())
    assert known.preferences == wanted
    for nobody in ("nobody", "elsewhere"):
        asked = GetUserPreferences(user_id=nobody)
        await refused("not_found", settings.get(school.context, ADMIN, asked))
        change = PutUserPreferences(user_id=nobody, enter_sends=True)
        await refused("not_found", settings.put(school.context, ADMIN, change))
    assert await noted(school) == [
        ("lms", "person.preferences_changed", "sue"),
        ("lms", "person.preferences_read", "sue"),
    ]
