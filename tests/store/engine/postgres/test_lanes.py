import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from chatd import failpoints
from chatd.errors import Refused
from chatd.store import log
from chatd.store.change import AlreadyDone, Change, Committed, Key
from chatd.store.conversations import Rename
from chatd.store.engine.postgres.lanes import DEADLINE_S
from tests.faults.proxy import Proxy, Way
from tests.store.invariants import check_database
from tests.store.shelf import TENANT, Shelf, said, shelf_at
from tests.support.postgres import PostgresServer, postgres_server
from tests.support.waiting import wait_until

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
    # And not for as long as the database may be mute.
    assert took < DEADLINE_S * 5
    assert not ready
    assert (await shelf.say("ben"))[1] >= 2
    assert await shelf.store.ready()


@pytest.mark.parametrize("arrives", [True, False], ids=["arrives", "is lost, too"])
async def test_a_commit_whose_answer_is_lost(
    database: str, arrives: bool, tmp_path: Path
) -> None:
    """A reset at the wrong moment would lose a message or show it twice (row 2)."""
    address = urlsplit(database)
    assert address.port is not None
    async with Proxy(("127.0.0.1", address.port)) as proxy:
        url = database.replace(f":{address.port}", f":{proxy.port}")
        async with shelf_at(url) as shelf:
            await shelf.people("ada")
            await shelf.talk("talk", "ada")
            fault = tmp_path / "fault"
            fault.write_text("before_commit=once(1):sleep(0.2)")
            failpoints.arm(f"@{fault}")
            sending = asyncio.create_task(shelf.store.commit(shelf.change(said("ada"))))
            # Reached, and about to pause: the file is gone.
            await wait_until(lambda: not fault.exists())
            way = Way.DOWN if arrives else Way.UP
            held = proxy.held
            proxy.drop_one_way(way)
            await wait_until(lambda: proxy.held > held)
            proxy.rst()
            proxy.heal()
            assert (await sending).seqs == (2,)
            assert await kinds(shelf) == ["message.created"]
    await check_database(database)


async def insist(shelf: Shelf, client_id: str) -> str:
    """What a client does: the same again until it is answered; the message's id."""
    while True:
        write = said("ada", client_id=client_id)
        try:
            await shelf.write(write)
        except AlreadyDone as done:
            return str(done.result["messageId"])
        except Refused:
            await asyncio.sleep(0.02)
        else:
            return write.id


def enough(acked: dict[str, str], count: int) -> bool:
    return len(acked) >= count


@pytest.fixture
def mortal() -> Iterator[PostgresServer]:
    """A server that nobody else uses."""
    with postgres_server() as server:
        yield server


async def test_kills_of_the_database_under_load(
    mortal: PostgresServer, kills: int
) -> None:
    """An acknowledged message would be lost or doubled when the database dies."""
    url = mortal.url(await mortal.create())
    acked: dict[str, str] = {}
    over = False
    async with shelf_at(url) as shelf:
        await shelf.people("ada")
        await shelf.talk("talk", "ada")

        async def send(sender: int) -> None:
            number = 0
            while not over:
                number += 1
                client_id = f"{sender}-{number}"
                acked[client_id] = await insist(shelf, client_id)

        async with asyncio.TaskGroup() as group:
            for sender in range(8):
                group.create_task(send(sender))
            for _ in range(kills):
                await wait_until(partial(enough, acked, len(acked) + 50), 60)
                await asyncio.to_thread(mortal.kill)
                await asyncio.to_thread(mortal.start)
            over = True
    link = await asyncpg.connect(url)
    rows = await link.fetch("SELECT client_message_id, id FROM message")
    await link.close()
    assert len(rows) == len(acked)
    assert {row[0]: row[1] for row in rows} == acked
    await check_database(url)


OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
)


async def test_plans_do_not_rest_on_how_empty_it_was(shelf: Shelf) -> None:
    """Every send would read all messages, once there are many."""
    for _ in range(20):
        await shelf.say("ada")
    link = await asyncpg.connect(shelf.url)
    # What the lanes have read of whole tables, of which they wrote into four.
    read = "SELECT relname, seq_scan FROM pg_stat_user_tables WHERE n_tup_ins >= 20"
    await shelf.store.close()

    async def alone() -> bool:
        # What a session has read is told before it is gone from this list.
        return await link.fetchval(OTHERS) == 0

    await wait_until(alone)
    rows = {row[0]: row[1] for row in await link.fetch(read)}
    await link.close()
    assert rows
    assert rows == dict.fromkeys(rows, 0)
