"""If these fail, people find whom they may not write to, or nobody at all (ITS-54)."""

import pytest

from chatd.actions.directory import policies
from chatd.actions.starting import searching
from chatd.store.between.acquaintances import SetBlock, SetContact
from chatd.store.people import PutPerson
from chatd.store.rosters import PutRoster, PutRosterMember
from chatd.store.tenants import PutTenant
from chatd_protocol.chat.policy import PutPolicy
from chatd_protocol.chat.requests import SearchRecipients
from chatd_protocol.chat.results import RecipientFound
from tests.actions.deeds import refused, who
from tests.actions.test_bounds import metered
from tests.support.house import TENANT, House


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


async def all_of(
    school: House, seeker: str, text: str, *, denied: bool = True
) -> dict[str, RecipientFound]:
    request = SearchRecipients(text=text, include_denied=denied)
    answer = await searching.search(school.context, who(seeker), request)
    return {one.id: one for one in answer.recipients}


def code(found: dict[str, RecipientFound], id_: str) -> str | None:
    verdict = found[id_].verdict
    assert verdict is not None
    assert verdict.allowed == (verdict.code is None)
    assert verdict.rule
    return verdict.code


async def test_those_one_knows_with_the_reason(school: House) -> None:
    """A pupil would not understand why a classmate is missing (ITS-54)."""
    await school.write(PutPerson("tom", "Tom", ("student",), messaging_disabled=True))
    assert await found(school, "sue", "tom") == []
    known = await all_of(school, "sue", "tom")
    assert code(known, "tom") == "messaging_disabled_recipient"
    assert code(await all_of(school, "sue", "uma"), "uma") is None
    # The school's own people of whom one knows nothing stay unknown.
    assert await all_of(school, "sue", "zed") == {}
    assert await all_of(school, "sue", "nobody") == {}


async def test_where_only_permitted_people_are_shown(school: House) -> None:
    """The reason would tell that there is such a person (TUT-22)."""
    await school.write(
        PutTenant("School", "tutoring"),
        PutPerson("tom", "Tom", ("student",), messaging_disabled=True),
    )
    assert await all_of(school, "anna", "tom") == {}


async def test_courses_that_one_only_observes(school: House) -> None:
    """A course would be offered whose conversation one cannot start (ITS-3)."""
    await school.people("oda", role="observer")
    await school.write(PutRosterMember("course", "math", "oda", "observer"))
    assert ("course", "math") not in await found(school, "oda", "math")
    assert code(await all_of(school, "oda", "math"), "math") == "role_cannot_initiate"
    assert code(await all_of(school, "sue", "math"), "math") is None


async def test_every_kind_of_recipient(school: House) -> None:
    """A teacher could not address the groups and units that policy lets one name."""
    kinds = ("user", "course", "project", "group", "unit")
    request = PutPolicy(tenant_id=TENANT, policy={"recipientKinds": kinds})
    await policies.put(school.context, school.platform, request)
    for kind in kinds[2:]:
        await school.write(
            PutRoster(kind, f"{kind}1", f"Math {kind}"),
            PutRosterMember(kind, f"{kind}1", "anna", "teacher"),
        )
    answer = await all_of(school, "anna", "math")
    assert [one.kind for one in answer.values()][:1] == ["course"]
    assert {one.kind for one in answer.values()} == set(kinds[1:])
    assert answer["unit1"].size == 1
    nobody = await all_of(school, "sue", "math")
    assert {one.kind for one in nobody.values()} == {"course"}


async def test_who_can_be_written_to_comes_first(school: House) -> None:
    """The first page could be nothing but people whom one cannot write to."""
    await school.write(PutPerson("tom", "Tom", ("student",), messaging_disabled=True))
    shown = list((await all_of(school, "sue", "m")).values())
    assert [one.id for one in shown] == ["uma", "math", "tom"]


async def moodle(school: House) -> None:
    await school.write(PutTenant("School", "moodle"))
    for number in range(25):
        await school.people(f"kim{number:02}")
    await school.write(SetContact("sue", "kim24", "accepted"))


async def test_contacts_first_page_by_page(school: House) -> None:
    """A contact would be behind hundreds of people of the same name (MOO-24)."""
    await moodle(school)
    wide = PutPolicy(
        tenant_id=TENANT,
        policy={"recipientPrivacy": {"enabled": False}},
    )
    await policies.put(school.context, school.platform, wide)
    seen: list[str] = []
    cursor = None
    pages = 0
    while pages == 0 or cursor:
        request = SearchRecipients(text="KIM", cursor=cursor)
        page = await searching.search(school.context, who("sue"), request)
        seen += [one.id for one in page.recipients]
        cursor, pages = page.next, pages + 1
    assert seen == ["kim24", *(f"kim{number:02}" for number in range(24))]
    assert pages == 2
    wrong = SearchRecipients(text="kim", cursor="none")
    await refused(
        "invalid_request", searching.search(school.context, who("sue"), wrong)
    )


async def test_guests_and_deleted_people_are_in_no_list(school: House) -> None:
    """An account that nobody confirmed could be written to (MOO-23)."""
    await school.write(
        PutTenant("School", "moodle"),
        PutPerson("gus", "Gus", ("guest",)),
        PutPerson("dan", "Dan", ("student",), active=False),
        PutRosterMember("course", "math", "gus", "observer"),
        PutRosterMember("course", "math", "dan", "student"),
    )
    for text in ("gus", "dan"):
        assert await all_of(school, "sue", text) == {}


async def test_who_has_blocked_in_silence_is_found_as_ever(school: House) -> None:
    """The row that decided would tell of the block (ITS-96)."""
    before = await all_of(school, "sue", "tom")
    await school.write(SetBlock("tom", "sue", blocked=True))
    assert await all_of(school, "sue", "tom") == before


@pytest.mark.parametrize(
    ("seeker", "sees"),
    [("kai", {"north"}), ("sam", {"south"}), ("tia", {"north", "south"})],
)
async def test_institutions_do_not_mix(
    school: House, seeker: str, sees: set[str]
) -> None:
    """A tutor of two institutions would lead from one into the other (TUT-36)."""
    await school.write(PutTenant("School", "tutoring"))
    units = {"n": ("kai", "north", "tia"), "s": ("sam", "south", "tia")}
    for unit, tutors in units.items():
        await school.write(PutRoster("unit", unit, unit))
        await school.people(*tutors, role="teacher")
        await school.write(
            *(PutRosterMember("unit", unit, one, "teacher") for one in tutors)
        )
    ids = {id_ for _, id_ in await found(school, seeker, "")}
    assert ids & {"north", "south"} == sees


async def test_the_statements_do_not_grow_with_what_is_found(school: House) -> None:
    """A letter typed in a school of thousands would ask the database for each."""
    counts = []
    for number in (1, 40):
        new = [f"amy{one:02}" for one in range(number)]
        await school.people(*new)
        await school.course("big", anna="teacher", **dict.fromkeys(new, "student"))
        context, meter = metered(school.context)
        request = SearchRecipients(text="amy", include_denied=True, limit=50)
        answer = await searching.search(context, who("anna"), request)
        assert len(answer.recipients) == number
        counts.append(meter.statements)
    assert counts[0] == counts[1]
