"""If these fail, people find whom they may not write to, or nobody at all (ITS-54)."""

from chatd.actions.starting import searching
from chatd.store.people import PutPerson
from chatd.store.tenants import PutTenant
from chatd_protocol.chat.requests import SearchRecipients
from tests.actions.deeds import who
from tests.support.house import House


async def found(school: House, seeker: str, text: str) -> list[tuple[str, str]]:
    request = SearchRecipients(text=text)
    answer = await searching.search(school.context, who(seeker), request)
    return [(one.kind, one.id) for one in answer.recipients]


async def test_only_people_who_may_be_written_to(school: House) -> None:
    """A student could look up strangers (ITS-54)."""
    assert await found(school, "sue", "m") == [
        ("user", "tom"),
        ("user", "uma"),
        ("course", "math"),
    ]
    assert await found(school, "zed", "a") == []
    assert ("user", "zed") in await found(school, "adam", "Z")


async def test_search_signs_are_only_letters(school: House) -> None:
    """A percent sign would find everybody."""
    for text in ("%", "_", "!", "'"):
        assert await found(school, "adam", text) == []


async def test_who_was_suspended_is_not_found(school: House) -> None:
    """An account that was taken out of use would still be offered (TUT-37)."""
    await school.write(PutTenant("School", "tutoring"))
    before = await found(school, "adam", "tom")
    await school.write(PutPerson("tom", "Tom", ("student",), active=False))
    assert (before, await found(school, "adam", "tom")) == ([("user", "tom")], [])
