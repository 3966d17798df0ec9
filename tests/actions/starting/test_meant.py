"""If these fail, people are counted twice, or others are written to than were meant."""

import pytest

from chatd.actions.directory import policies
from chatd.actions.starting.meant import Meant, meant
from chatd.errors import Refused
from chatd.store.rosters import PutRoster, PutRosterMember
from chatd_protocol.chat.policy import PutPolicy
from chatd_protocol.chat.requests import Recipient
from tests.actions.deeds import who
from tests.support.house import TENANT, House


async def of(school: House, asker: str, *recipients: tuple[str, str]) -> Meant:
    wanted = [Recipient(kind=kind, id=id_) for kind, id_ in recipients]  # type: ignore[arg-type]
    return await school.context.store.read(
        meant, who(asker), wanted, school.context.limits
    )


async def test_everybody_once_and_not_oneself(school: House) -> None:
    """A pupil in two courses would count twice towards the limit (ITS-50)."""
    await school.write(
        PutRoster("project", "fair", "Fair"),
        PutRosterMember("project", "fair", "sue", "student"),
        PutRosterMember("project", "fair", "anna", "teacher"),
    )
    found = await of(
        school, "anna", ("course", "math"), ("project", "fair"), ("user", "sue")
    )
    assert sorted(found.people) == ["sue", "tom", "uma"]
    assert (found.roster, found.alone, found.sizes) == (None, None, (4, 2))


async def test_a_roster_that_one_is_not_on_cannot_be_meant(school: House) -> None:
    """Anybody could write to a whole class (ITS-3)."""
    for asker, course in (("zed", "math"), ("sue", "no-such")):
        with pytest.raises(Refused, match="not_enrolled"):
            await of(school, asker, ("course", course))


async def test_a_unit_has_no_conversation(school: House) -> None:
    """A rule that lets units be named would make a talk of a whole school fail."""
    kinds = PutPolicy(tenant_id=TENANT, policy={"recipientKinds": ["user", "unit"]})
    await policies.put(school.context, school.platform, kinds)
    with pytest.raises(Refused) as caught:
        await of(school, "adam", ("unit", "lower-school"))
    assert caught.value.facts["errors"] == [
        {"pointer": "/recipients/0/kind", "code": "not_available"}
    ]


async def test_oneself_is_nobody_without_a_personal_space(school: House) -> None:
    """A talk with nobody in it would begin."""
    with pytest.raises(Refused) as caught:
        await of(school, "sue", ("user", "sue"))
    assert caught.value.facts["errors"] == [
        {"pointer": "/recipients", "code": "nobody"}
    ]
