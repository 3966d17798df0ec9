"""If these fail, a client does not know whose it is, or forgets a setting."""

from chatd.actions import me
from chatd_protocol.chat.requests import GetMe, UpdatePreferences
from tests.actions.deeds import refused, who
from tests.support.house import House


async def test_who_am_i(school: House) -> None:
    """A client could not tell its own messages from others'."""
    known = await me.get(school.context, who("anna"), GetMe())
    assert (known.person.id, known.person.roles) == ("anna", ("teacher",))
    assert known.limits["messageTextCodePoints"] == 16_000
    assert known.epoch
    assert known.rules["tombstone"] == "named"
    assert known.denied == {"self": "forbidden"}
    await refused("not_found", me.get(school.context, who("nobody"), GetMe()))


async def test_settings_keep_what_is_not_named(school: House) -> None:
    """Changing one setting would reset another."""
    enter = UpdatePreferences(enter_sends=True)
    await me.update_preferences(school.context, who("sue"), enter)
    language = UpdatePreferences(language="de")
    kept = await me.update_preferences(school.context, who("sue"), language)
    assert (kept.enter_sends, kept.language) == (True, "de")
    known = await me.get(school.context, who("sue"), GetMe())
    assert (known.preferences, known.personal_seq) == (kept, 2)
