"""If these fail, evidence is lost that somebody had asked to keep."""

import asyncio

import asyncpg
import pytest

from chatd.store.change import Moved
from chatd.store.engine.applying import apply
from chatd.store.engine.postgres.connections import PostgresTransaction
from chatd.store.engine.postgres.locks import lock
from chatd.store.keeping import holds
from chatd.store.keeping.holds import About, Hold, LiftHold, SetHold, Unheld
from chatd.store.messages import RemoveMessage
from tests.store.shelf import TENANT, Shelf


def purge(message: str) -> RemoveMessage:
    return RemoveMessage(message, "talk", None, None, "removed", for_good=True)


async def test_a_hold_is_lifted_by_its_name(shelf: Shelf) -> None:
    """The end of one case would end the hold that another case needs."""
    await shelf.write(SetHold("case-1", "person", "ada", "lead"))
    await shelf.write(SetHold("case-2", "person", "ada", "lead"))
    await shelf.write(SetHold("case-3", "conversation", "talk", "lead"))
    await shelf.write(LiftHold("case-3"), LiftHold("no such"))
    at = shelf.clock.at_ms
    assert await shelf.store.read(holds.every, TENANT) == [
        Hold(f"case-{n}", "person", "ada", "lead", at) for n in (1, 2)
    ]
    await shelf.write(LiftHold("case-1"))
    assert await shelf.store.read(holds.of_person, TENANT, "ada")
    await shelf.write(SetHold("case-2", "person", "ben", "lead"))
    assert not await shelf.store.read(holds.of_person, TENANT, "ada")


@pytest.mark.parametrize(
    ("about", "id_", "held"),
    [
        ("person", "ada", ["ada"]),
        ("conversation", "talk", ["ada", "ben"]),
        ("person", "nobody", []),
        ("conversation", "other", []),
    ],
)
async def test_what_a_hold_holds(
    shelf: Shelf, about: holds.About, id_: str, held: list[str]
) -> None:
    """A purge would take what is on hold, or leave what is not."""
    said = {name: (await shelf.say(name))[0] for name in ("ada", "ben")}
    await shelf.write(SetHold("case", about, id_, "lead"))
    await shelf.write(SetHold("case", about, id_, "lead"), tenant="other")
    stopped = []
    for name, message in said.items():
        for write in (purge(message), Unheld(name)):
            try:
                await shelf.write(write)
            except Moved:
                stopped.append(name)
    # A person is held by a conversation, too, in which nothing of theirs is left.
    assert sorted(set(stopped)) == held
    await shelf.write(LiftHold("case"))
    for name in held:
        await shelf.write(purge(said[name]), Unheld(name))


@pytest.mark.engines("postgres")
@pytest.mark.parametrize("about", ["ada", "talk"])
async def test_a_hold_in_the_moment_of_a_purge(shelf: Shelf, about: str) -> None:
    """Evidence would be gone although the hold on it was confirmed before."""
    id_, _ = await shelf.say("ada", "evidence")
    kind: About = "person" if about == "ada" else "conversation"
    link = await asyncpg.connect(shelf.url)
    try:
        tx, change = PostgresTransaction(link), shelf.change(purge(id_))
        await link.execute("BEGIN")
        await lock(tx, [change])
        await apply(tx, change)
        held = asyncio.create_task(shelf.write(SetHold("case", kind, about, "lead")))
        done, _ = await asyncio.wait({held}, timeout=0.3)
        await link.execute("COMMIT")
        await held
    finally:
        await link.close()
    assert done == set(), "it is confirmed when nothing goes any more"
