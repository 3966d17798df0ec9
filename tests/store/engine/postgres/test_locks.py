import asyncio
from typing import get_args

import asyncpg
import pytest

from chatd.store.between.acquaintances import SetBlock
from chatd.store.change import Change, Guard, Write
from chatd.store.engine.applying import APPLY
from chatd.store.engine.postgres.connections import PostgresTransaction
from chatd.store.engine.postgres.locks import LOCKS, TOUCHED, lock, touched
from chatd.store.keeping.trail import Note
from chatd.store.keeping.vault import EmptyVault
from chatd.store.mass.jobs import CancelMass, DeliverMass
from chatd.store.members import Join, NewMember, Part
from chatd.store.messages import RemoveMessage
from chatd.store.personal import MoveRead, PermissionsMoved
from chatd.store.rosters import PutRoster, PutRosterMember
from chatd.store.tenants import PutTenant
from tests.store.shelf import TENANT, Shelf, said

EVERYTHING = (
    Part("talk", ("ben", "ada"), None),
    Join("talk", (NewMember("dan"),), None),
    MoveRead("other", "cleo", 1),
    PermissionsMoved("talk", ("cleo", "ben")),
    PutRosterMember("course", "math", "eve", "student"),
    PutTenant("School", "itslearning"),
    said("cleo"),
    RemoveMessage("m", "talk", "ben", None, "removed"),
    Note("ada", "vault.read", "message", "m"),
    SetBlock("ben", "ada", True),
    DeliverMass("m", "ada", "here", 1, ("cleo", "ben"), (), True),
    CancelMass("m", "ben"),
    EmptyVault((("m", 1),)),
)


def test_every_write_says_what_it_touches() -> None:
    """Two gateways would wait for each other for ever, or overtake each other."""
    assert set(TOUCHED) == set(APPLY) == set(get_args(Write))


def test_a_change_and_the_rosters_that_it_rests_on() -> None:
    """Somebody would be put on a course while its conversation begins without him."""
    change = Change(
        TENANT,
        1,
        (MoveRead("talk", "ada", 1), said("ben")),
        (Guard("roster", "course:a:b", 1), Guard("person", "cleo", 1)),
    )
    assert touched(change) == {
        ("person", (TENANT, "ada")),
        ("own", (TENANT, "ada", "talk")),
        ("conversation", (TENANT, "talk")),
        ("own", (TENANT, "ben", "talk")),
        ("roster", (TENANT, "course", "a:b")),
    }
    assert {kind for one in EVERYTHING for kind, _ in TOUCHED[type(one)](one)} == set(
        LOCKS
    )


@pytest.mark.engines("postgres")
async def test_gateways_that_want_the_same_wait_in_line(shelf: Shelf) -> None:
    """Deadlocks between gateways would delay everybody by a second."""
    await shelf.write(PutRoster("course", "math", "Maths"))
    await shelf.talk("other", "cleo", "ada")
    changes = [Change(TENANT, 1, (one,)) for one in EVERYTHING]

    async def gateway(wanted: list[Change]) -> None:
        link = await asyncpg.connect(shelf.url)
        for _ in range(20):
            async with link.transaction():
                await lock(PostgresTransaction(link), wanted)
        await link.close()

    await asyncio.gather(*(gateway(changes[::step]) for step in (1, -1, 1, -1)))
