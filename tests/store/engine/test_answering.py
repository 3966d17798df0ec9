import asyncio
from collections.abc import Sequence

from chatd.domain.announcements import Announcement, Logged
from chatd.store.change import Change
from chatd.store.engine.opening import open_store
from tests.store.shelf import TENANT, Shelf, said
from tests.support.house import HandClock


async def test_a_listener_that_fails_does_not_keep_the_answers(database: str) -> None:
    """Every sender would wait for ever for what is on disk long since."""

    def fail(_announcements: Sequence[Announcement]) -> None:
        raise ValueError("broken listener")

    store = await open_store(database, clock=HandClock(), on_committed=fail)
    try:
        async with asyncio.timeout(60):
            await Shelf(database, store, HandClock()).people("ada")
    finally:
        await store.close()


async def test_an_event_that_cannot_be_built_is_still_answered(shelf: Shelf) -> None:
    """A mistake after the commit would tell the sender that nothing was written."""

    def fail(_logged: Logged) -> object:
        raise ValueError("no event")

    change = Change(TENANT, shelf.clock.at_ms, (said("ada"),), event=fail)
    assert (await shelf.store.commit(change)).seqs == (2,)
