import pytest

from chatd.domain.announcements import FactsMoved, Logged, PersonalMoved, SessionsEnded
from chatd.store.effects import Effects
from chatd.store.transaction import Transaction
from tests.store.shelf import TENANT, Shelf


async def test_told_once_and_facts_first() -> None:
    """A person of many courses would be announced for each, or before the facts."""
    effects = Effects(TENANT, 1)
    effects.sessions_ended("ada", 5)
    effects.facts("person", "ada")
    effects.facts("roster", "course:m")
    effects.facts("person", "ada")
    assert effects.announcements == (
        FactsMoved(TENANT, "person", "ada"),
        FactsMoved(TENANT, "roster", "course:m"),
        SessionsEnded(TENANT, "ada", 5),
    )


async def test_positions_follow_each_other(shelf: Shelf) -> None:
    """Two rows of one deed would share a position."""
    effects = Effects(TENANT, 1)

    async def work(tx: Transaction) -> list[int]:
        logged = [
            await effects.append(tx, "talk", kind="test", actor_id=None)
            for _ in range(2)
        ]
        moved = [await effects.move_person(tx, "ada") for _ in range(2)]
        await effects.bump_conversation(tx, "talk")
        await effects.bump_person(tx, "ada")
        return logged + moved

    assert await shelf.tried(work) == [2, 3, 2, 3]
    assert effects.logged == [Logged(TENANT, "talk", seq, "test") for seq in (2, 3)]
    assert effects.announcements == (
        FactsMoved(TENANT, "conversation", "talk"),
        FactsMoved(TENANT, "person", "ada"),
        PersonalMoved(TENANT, "ada", 2),
        PersonalMoved(TENANT, "ada", 3),
    )


async def test_what_is_not_there_is_told(shelf: Shelf) -> None:
    """A row would be logged that belongs to no conversation."""
    effects = Effects(TENANT, 1)

    async def append(tx: Transaction) -> int:
        return await effects.append(tx, "no such", kind="test", actor_id=None)

    async def move(tx: Transaction) -> int:
        return await effects.move_person(tx, "nobody")

    for work in (append, move):
        with pytest.raises(LookupError):
            await shelf.tried(work)
    assert effects.logged == []
