"""If these fail, one side of two people has another truth than the other."""

from chatd.domain.relations import Between
from chatd.store import people, personal
from chatd.store.between import acquaintances
from chatd.store.between.acquaintances import Acquaintance, SetBlock, SetContact
from tests.store.shelf import TENANT, Shelf


async def half(shelf: Shelf, one: str, other: str) -> Acquaintance:
    return await shelf.store.read(acquaintances.one, TENANT, one, other)


async def told(shelf: Shelf, user: str, since: int = 0) -> list[tuple[str, str | None]]:
    read = shelf.store.read
    found = await read(personal.changes_since, TENANT, user, since, 9)
    return [
        (one.kind, one.other_id) for one in found if one.kind in ("contact", "block")
    ]


async def test_both_sides_at_once(shelf: Shelf) -> None:
    """One would be asked by nobody."""
    await shelf.write(SetContact("ada", "ben", "sent"))
    assert (await half(shelf, "ada", "ben")).contact == "sent"
    assert (await half(shelf, "ben", "ada")).contact == "received"
    assert await shelf.store.read(acquaintances.waiting, TENANT, "ben") == 1
    assert await told(shelf, "ada") == [("contact", "ben")]
    assert await told(shelf, "ben") == [("contact", "ada")]
    await shelf.write(SetContact("ben", "ada", "accepted"))
    assert (await half(shelf, "ada", "ben")).contact == "accepted"


async def test_a_block_is_one_sides_own(shelf: Shelf) -> None:
    """The other side would be told, or hold a trace of it."""
    before = await shelf.store.read(personal.head, TENANT, "ben")
    await shelf.write(SetBlock("ada", "ben", True))
    assert await told(shelf, "ada") == [("block", "ben")]
    assert await half(shelf, "ben", "ada") == Acquaintance("ada")
    assert await shelf.store.read(personal.head, TENANT, "ben") == before
    between = await shelf.store.read(acquaintances.between, TENANT, "ben", ["ada"])
    assert between == {"ada": Between(blocked_by=True)}
    listed = await shelf.store.read(
        acquaintances.blocks, TENANT, "ada", after="", limit=9
    )
    assert [one.other_id for one in listed] == ["ben"]


async def test_decisions_about_both_are_made_anew(shelf: Shelf) -> None:
    """A send decided a moment before would go past the block."""
    read = shelf.store.read
    before = await read(people.many, TENANT, ["ada", "ben"])
    await shelf.write(SetBlock("ada", "ben", True))
    after = await read(people.many, TENANT, ["ada", "ben"])
    assert [after[id_].version - before[id_].version for id_ in after] == [1, 1]


async def test_a_request_hidden_by_a_block(shelf: Shelf) -> None:
    """Whoever is blocked would still be heard (MOO-10)."""
    await shelf.write(SetBlock("ben", "ada", True))
    since = await shelf.store.read(personal.head, TENANT, "ben")
    await shelf.write(SetContact("ada", "ben", "sent"))
    assert await told(shelf, "ben", since) == []
    assert (await half(shelf, "ben", "ada")).shown == "none"
    assert await shelf.store.read(acquaintances.waiting, TENANT, "ben") == 0
    await shelf.write(SetBlock("ben", "ada", False))
    assert ("contact", "ada") in await told(shelf, "ben", since)
    requests = await shelf.store.read(
        acquaintances.contacts, TENANT, "ben", "received", after="", limit=9
    )
    assert [one.other_id for one in requests] == ["ada"]


async def test_another_tenant_has_its_own(shelf: Shelf) -> None:
    """A block in one school would hold in another."""
    await shelf.people("ada", "ben", tenant="other")
    await shelf.write(SetBlock("ada", "ben", True), tenant="other")
    assert await half(shelf, "ada", "ben") == Acquaintance("ben")
    among = await shelf.store.read(acquaintances.among, TENANT, ["ada", "ben"])
    assert among == {}


async def test_who_has_shared_a_conversation(shelf: Shelf) -> None:
    """Somebody who has left would be a stranger to those who remember."""
    read = shelf.store.read
    assert await read(acquaintances.acquainted, TENANT, "ada", "ben")
    assert not await read(acquaintances.acquainted, TENANT, "ada", "eve")
