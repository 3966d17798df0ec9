"""If these fail, somebody looks into a report who must not, or leaves no trace."""

from dataclasses import replace

from chatd.actions.basis import reviews
from chatd.store.keeping import trail
from chatd.store.keeping.trail import Filter
from chatd.store.reporting import reading
from tests.actions.deeds import refused, report, send, start, who
from tests.support.house import TENANT, House


async def test_a_look_is_for_whoever_looks_after_it(school: House) -> None:
    """What is kept with a report would be shown to whom it is about (ITS-79)."""
    group = await start(school, "sue", "tom", "uma")
    bad = await send(school, "tom", group.id)
    made = await report(school, "sue", bad.id)
    for other in ("tom", "sue", "ben", "adam"):
        await refused("not_found", reviews.look(school.context, who(other), made.id))
    await refused("not_found", reviews.look(school.context, who("anna"), "unknown"))
    await reviews.look(school.context, who("anna"), made.id)
    rows = await school.context.store.read(trail.page, TENANT, Filter(), 2**53, 9)
    assert [(one.deed, one.actor_id) for one in rows] == [("reports.read", "anna")]


async def test_what_decides_about_a_reviewer(school: House) -> None:
    """A teacher of the course, or one who left it, would be taken for another."""
    course = await start(school, "anna", course="math")
    bad = await send(school, "tom", course.id)
    made = await report(school, "sue", bad.id)
    store = school.context.store
    found = await store.read(reading.many, TENANT, [made.id])
    case = await store.read(reviews.reviewed, who("anna"), found[made.id])
    assert (case.member, case.roster_role, case.through) == (
        True,
        "teacher",
        "reviewer",
    )
    other = await store.read(reviews.reviewed, who("ben"), found[made.id])
    assert (other.member, other.roster_role) == (False, None)
    service = replace(who("team"), scopes=frozenset({"moderation"}))
    nobody = await store.read(reviews.reviewed, service, found[made.id])
    assert nobody.sender.person.roles == ()
