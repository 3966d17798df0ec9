import asyncio
from collections.abc import Iterator

import pytest

from chatd import failpoints
from chatd.errors import Refused
from chatd.store import log
from chatd.store.change import Change, Committed, Key
from chatd.store.conversations import Rename
from chatd.store.engine.postgres.lanes import DEADLINE_S
from tests.store.shelf import TENANT, Shelf, said
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.engines("postgres")


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    failpoints.arm(None)


async def kinds(shelf: Shelf) -> list[str]:
    rows = await shelf.store.read(
        log.events, TENANT, "talk", after_seq=1, until_seq=99, limit=99
    )
    return [row.kind for row in rows]


@pytest.mark.parametrize("where", ["after_begin", "before_commit"])
async def test_lost_before_the_commit_is_done_again(shelf: Shelf, where: str) -> None:
    """A database that restarts would cost every sender an error, or a message."""
    failpoints.arm(f"{where}=once(1):raise")
    sends = [shelf.store.commit(shelf.change(said("ada"))) for _ in range(3)]
    done = await asyncio.gather(*sends)
    assert [one.seqs for one in done] == [(2,), (3,), (4,)]
    assert await kinds(shelf) == ["message.created"] * 3


@pytest.mark.parametrize("keyed", [True, False])
async def test_lost_behind_the_commit_is_found_by_its_key(
    shelf: Shelf, keyed: bool
) -> None:
    """What is on disk would be called refused, or be done a second time."""
    rename = Rename("talk", "Other", "ada")
    key = Key("ada", "once", b"digest") if keyed else None
    changes = [
        shelf.change(said("ada")),
        Change(TENANT, shelf.clock.at_ms, (rename,), key=key),
    ]
    failpoints.arm("after_commit_before_ack=raise")
    done = await asyncio.gather(
        *(shelf.store.commit(one) for one in changes), return_exceptions=True
    )
    assert isinstance(done[0], Committed)
    assert isinstance(done[1], Committed if keyed else Refused)
    assert sorted(await kinds(shelf)) == ["conversation.renamed", "message.created"]


async def test_a_mute_database_is_told_in_time(
    shelf: Shelf, postgres: PostgresServer
) -> None:
    """Senders would wait without end, and clients give up before they are told."""
    postgres.pause()
    loop = asyncio.get_running_loop()
    try:
        began = loop.time()
        sends = [shelf.store.commit(shelf.change(said("ada"))) for _ in range(3)]
        done = await asyncio.gather(*sends, return_exceptions=True)
        took = loop.time() - began
        ready = await shelf.store.ready()
    finally:
        postgres.resume()
    assert [getattr(one, "code", None) for one in done] == ["storage_unavailable"] * 3
    assert took < DEADLINE_S + 1
    assert not ready
    assert (await shelf.say("ben"))[1] >= 2
    assert await shelf.store.ready()
