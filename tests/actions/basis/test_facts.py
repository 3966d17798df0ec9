"""If these fail, a right outlives its loss, or every call asks the store again."""

from chatd.domain.verdicts import decide
from chatd.store.members import Part
from chatd.store.people import PutPerson
from tests.support.house import TENANT, House


async def test_a_place_is_kept_until_a_fact_of_it_moves(school: House) -> None:
    """Sending would read the store each time, or rest on what is no longer so."""
    await school.conversation("c", "sue", "tom")
    facts = school.context.facts
    place = await facts.place(TENANT, "c", "sue")
    assert place is not None
    assert place.case.member
    assert await facts.place(TENANT, "c", "sue") is place
    await school.write(PutPerson("zed", "Zed", ("student",)))
    assert await facts.place(TENANT, "c", "sue") is place
    await school.write(PutPerson("sue", "Sue", ("student",), messaging_disabled=True))
    moved = await facts.place(TENANT, "c", "sue")
    assert moved is not None
    assert decide("send", moved.case).code == "messaging_disabled_sender"
    await school.write(Part("c", ("sue",), None))
    gone = await facts.place(TENANT, "c", "sue")
    assert gone is not None
    assert (gone.case.member, gone.sees(2), gone.sees(3)) == (False, True, False)


async def test_strangers_have_no_place(school: House) -> None:
    """What is not there and what may not be seen would look different."""
    await school.conversation("c", "sue", "tom")
    facts = school.context.facts
    assert await facts.place(TENANT, "c", "zed") is None
    assert await facts.place(TENANT, "no-such", "sue") is None
    assert await facts.place("other", "c", "sue") is None


async def test_what_decides_is_guarded(school: House) -> None:
    """A verdict could rest on a fact that nobody checks when writing."""
    await school.conversation("c", "sue", "tom", kind="direct", direct_key="k")
    place = await school.context.facts.place(TENANT, "c", "sue")
    assert place is not None
    nouns = {(guard.noun, guard.id) for guard in place.guards}
    assert nouns == {
        ("tenant", TENANT),
        ("conversation", "c"),
        ("person", "sue"),
        ("person", "tom"),
    }


async def test_another_version_than_the_store_has(school: House) -> None:
    """Where the news of a loss got lost, the right would stay until a restart."""
    await school.conversation("c", "sue", "tom")
    facts = school.context.facts
    place = await facts.place(TENANT, "c", "sue")
    assert place is not None
    for guard in place.guards:
        facts.seen(TENANT, guard.noun, guard.id, guard.version)
        facts.seen("other", guard.noun, guard.id, guard.version + 1)
        assert await facts.place(TENANT, "c", "sue") is place
        facts.seen(TENANT, guard.noun, guard.id, guard.version + 1)
        fresh = await facts.place(TENANT, "c", "sue")
        assert fresh is not place
        place = fresh


async def test_what_was_forgotten_by_one_fact_is_no_matter_to_another(
    school: House,
) -> None:
    """A head check would fail for as long as the server runs."""
    await school.conversation("c", "sue", "tom")
    facts = school.context.facts
    await facts.place(TENANT, "c", "sue")
    facts.drop(TENANT, "conversation", "c")
    facts.seen(TENANT, "person", "sue", 99)
    assert await facts.place(TENANT, "c", "sue") is not None


async def test_nobody_knows_what_has_moved(school: House) -> None:
    """After the other gateways were out of reach, old rights would go on."""
    await school.conversation("c", "sue", "tom")
    facts = school.context.facts
    place = await facts.place(TENANT, "c", "sue")
    facts.clear()
    assert await facts.place(TENANT, "c", "sue") is not place


async def test_what_is_forgotten_leaves_nothing(school: House) -> None:
    """A gateway would grow with every conversation that ever changed."""
    facts = school.context.facts
    for number in range(20):
        await school.conversation(f"c{number}", "sue", "tom")
        await facts.place(TENANT, f"c{number}", "sue")
        await school.write(Part(f"c{number}", ("tom",), None))
    assert sum(map(len, facts._by_fact.values())) == 0


async def test_one_fact_of_many_places_is_forgotten_with_its_own(
    school: House,
) -> None:
    """A change in one conversation would make everybody ask the store again."""
    facts = school.context.facts
    for number in range(5):
        await school.conversation(f"c{number}", "sue", "tom")
    kept = [await facts.place(TENANT, f"c{number}", "sue") for number in range(5)]
    facts.drop(TENANT, "conversation", "c0")
    for number in range(1, 5):
        assert await facts.place(TENANT, f"c{number}", "sue") is kept[number]
    assert await facts.place(TENANT, "c0", "sue") is not kept[0]
