import asyncio
import os
import random
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import apsw
import pytest

from chatd.domain.announcements import Announcement, Logged
from chatd.errors import Refused
from chatd.store import log
from chatd.store.change import Change, Committed, Guard, Moved, Write
from chatd.store.conversations import STATE_AFTER, CreateConversation, Rename, SetState
from chatd.store.engine.sqlite import SqliteStore, open_store
from chatd.store.engine.writer import Look, Marks
from chatd.store.members import Join, NewMember, Part
from chatd.store.messages import RemoveMessage
from chatd.store.personal import MoveRead
from chatd.store.upkeep.heads import moved_since
from tests.store.invariants import check
from tests.store.shelf import TENANT, Shelf, locked, said, shelf_at
from tests.support.counted import value
from tests.support.databases import url_of
from tests.support.house import HandClock
from tests.support.waiting import wait_until

pytestmark = pytest.mark.engines("sqlite")

ROOT = Path(__file__).parents[3]
ENVIRONMENT = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'protocol'}"}


async def outcomes(shelf: Shelf, *changes: Change) -> list[Committed | BaseException]:
    """All of them queued while another connection holds the file."""
    with locked(shelf.path):
        tasks = [asyncio.create_task(shelf.store.commit(one)) for one in changes]
        await asyncio.sleep(0)
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_bad_change_undoes_only_itself(shelf: Shelf) -> None:
    """One bad request would take others' messages with it."""
    good = [shelf.change(said("ada", str(n))) for n in range(6)]
    half = shelf.change(said("ben", "half"), said("ben", "nowhere", to="no such"))
    done = await outcomes(shelf, *good[:3], half, *good[3:])
    assert isinstance(done[3], LookupError)
    rest = [one for n, one in enumerate(done) if n != 3]
    assert [one.seqs for one in rest if isinstance(one, Committed)] == [
        (n,) for n in range(2, 8)
    ]
    rows = await shelf.store.read(
        log.events, TENANT, "talk", after_seq=1, until_seq=99, limit=99
    )
    assert [row.message.text for row in rows if row.message] == list("012345")


async def test_announced_once_a_batch_in_order_before_answers(tmp_path: Path) -> None:
    """Listeners would hear of messages twice, out of order or after the sender."""
    heard: list[list[int]] = []
    answered: list[int] = []

    def listen(announcements: Sequence[Announcement]) -> None:
        seqs = [one.seq for one in announcements if isinstance(one, Logged)]
        assert not set(seqs) & set(answered)
        heard.append(seqs)

    path = tmp_path / "chat.sqlite3"
    store = open_store(path, clock=HandClock(), on_committed=listen)
    shelf = Shelf(url_of(path), store, HandClock())
    await shelf.people("ada")
    await shelf.talk("talk", "ada")
    heard.clear()

    async def send() -> None:
        answered.extend((await shelf.write(said("ada"))).seqs)

    with locked(path):
        tasks = [asyncio.create_task(send()) for _ in range(20)]
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    await store.close()
    assert [seq for batch in heard for seq in batch] == list(range(2, 22))
    assert len(heard) <= 2
    assert answered == list(range(2, 22))


async def test_cancelling_the_caller_does_not_undo(shelf: Shelf) -> None:
    """A client that hangs up would keep others from hearing what is in the log."""
    with locked(shelf.path):
        task = asyncio.create_task(shelf.store.commit(shelf.change(said("ada"))))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await wait_until(lambda: shelf.announced)
    assert Logged(TENANT, "talk", 2, "message.created") in shelf.announced


PEOPLE = ("ada", "ben", "cleo", "dan", "eve")


def some_write(
    draw: random.Random, places: Sequence[str], sent: Sequence[str]
) -> Write:
    """Any write; some name what is not there, or name somebody twice."""
    to, who = draw.choice([*places, "no such"]), draw.choice(PEOPLE)
    choices: list[Write] = [
        Join(to, (NewMember(who), NewMember(who)), who),
        Part(to, (who, who), who),
        Rename(to, f"Title {draw.random()}", who),
        SetState(to, draw.choice(list(STATE_AFTER)), who),
        MoveRead("talk", who, 1),
        RemoveMessage(draw.choice(sent), "talk", who, None, "gone"),
        said(who, to="talk"),
        said(who, to=to),
    ]
    return draw.choice(choices)


async def test_no_holes_whatever_fails_meanwhile(shelf: Shelf) -> None:
    """Clients would wait for positions that never come, or meet one twice."""
    draw = random.Random(20_26)
    places = ["talk"]
    sent = [(await shelf.say("ada"))[0] for _ in range(20)]
    failed = 0

    async def worker(name: int) -> None:
        nonlocal failed
        for number in range(40):
            writes = tuple(some_write(draw, places, sent) for _ in range(2))
            if draw.random() < 0.1:
                place = f"place {name}-{number}"
                seats = (NewMember("ada"),)
                made = CreateConversation(place, "group", "New", "ada", seats)
                writes = (made, *writes)
                places.append(place)
            guard = Guard("conversation", "talk", draw.randint(1, 20))
            guards = (guard,) if draw.random() < 0.2 else ()
            change = Change(TENANT, shelf.clock.at_ms, writes, guards)
            try:
                await shelf.store.commit(change)
            except (Moved, LookupError):
                failed += 1

    async with asyncio.TaskGroup() as group:
        for name in range(8):
            group.create_task(worker(name))
    assert 80 < failed < 300
    told: dict[str, list[int]] = defaultdict(list, talk=[1])
    for one in shelf.announced:
        if isinstance(one, Logged):
            told[one.conversation_id].append(one.seq)
    for seqs in told.values():
        assert seqs == list(range(1, len(seqs) + 1))
    check(shelf.path)


async def test_a_full_disk_is_told_and_survived(shelf: Shelf) -> None:
    """A full disk would acknowledge what is lost, or need a restart afterwards."""
    assert isinstance(shelf.store, SqliteStore)
    connection = shelf.store._writer._connection
    ((pages,),) = connection.execute("PRAGMA page_count")
    connection.execute(f"PRAGMA max_page_count = {pages + 4}").fetchall()
    acked: list[str] = []
    before = value("chatd_commit_failures_total", code="storage_full")

    async def fill() -> None:
        while True:
            id_, _ = await shelf.say("ada", "x" * 4_000)
            acked.append(id_)

    with pytest.raises(Refused) as refused:
        await fill()
    assert refused.value.code == "storage_full"
    assert value("chatd_commit_failures_total", code="storage_full") > before
    told = [one for one in shelf.announced if isinstance(one, Logged)]
    assert len(told) == len(acked)
    done = await outcomes(shelf, *(shelf.change(said("ben")) for _ in range(3)))
    assert {type(one) for one in done} <= {Refused, Committed}
    connection.execute("PRAGMA max_page_count = 1000000").fetchall()
    assert await shelf.store.ready()
    _, seq = await shelf.say("ada", "x" * 4_000)
    stored = await shelf.store.read(
        log.events, TENANT, "talk", after_seq=1, until_seq=seq, limit=99
    )
    assert set(acked) <= {row.message.id for row in stored if row.message}


async def test_a_file_held_by_another_is_told_and_survived(tmp_path: Path) -> None:
    """A backup that holds the file would hang every sender, or break the server."""
    async with shelf_at(tmp_path / "chat.sqlite3", busy_ms=20) as shelf:
        await shelf.people("ada")
        await shelf.talk("talk", "ada")
        shelf.batches.clear()
        with locked(shelf.path):
            with pytest.raises(Refused) as refused:
                await shelf.say("ada")
            assert not await shelf.store.ready()
        assert refused.value.code == "storage_unavailable"
        assert shelf.batches == []
        assert await shelf.store.ready()
        assert (await shelf.say("ada"))[1] == 2
    check(shelf.path)


async def test_a_constraint_other_than_uniqueness_is_no_moved_fact(
    shelf: Shelf,
) -> None:
    """A mistake in the code would be repeated and answered as if we were busy."""
    with pytest.raises(apsw.ConstraintError):
        # The type forbids it; the database is the last to notice.
        await shelf.write(said(None))  # type: ignore[arg-type]


@pytest.mark.parametrize("lives", [3])
def test_nothing_acknowledged_is_lost_by_a_kill(tmp_path: Path, lives: int) -> None:
    """A crash of the server would lose messages that their senders saw as sent."""
    path = tmp_path / "chat.sqlite3"
    acked: dict[str, int] = {}
    for life in range(lives):
        with subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.store.engine.restless",
                url_of(path),
                str(life),
            ],
            cwd=ROOT,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            text=True,
        ) as writing:
            assert writing.stdout is not None
            for _ in range(60 + 17 * life):
                id_, seq = writing.stdout.readline().split()
                acked[id_] = int(seq)
            writing.send_signal(signal.SIGKILL)
            for line in writing.stdout:
                if line.endswith("\n"):
                    id_, seq = line.split()
                    acked[id_] = int(seq)
    connection = apsw.Connection(str(path))
    stored = dict(connection.execute("SELECT id, seq FROM message"))
    connection.close()
    assert {id_: stored.get(id_) for id_ in acked} == acked
    check(path)


async def test_the_count_goes_on_after_a_restart(database: str) -> None:
    """After a restart everything would look unchanged, or changed for ever."""
    async with shelf_at(database) as shelf:
        await shelf.people("ada")
        await shelf.talk("talk", "ada")
        await shelf.say("ada")
        before = await shelf.store.read(moved_since, 0)
    async with shelf_at(database) as shelf:
        again = await shelf.store.read(moved_since, before.mark)
        assert (again.mark, again.conversations) == (before.mark, ())
        await shelf.say("ada")
        found = await shelf.store.read(moved_since, before.mark)
        assert found.conversations == ((TENANT, "talk", 3, 1),)


async def test_a_failed_commit_is_nobodys(shelf: Shelf) -> None:
    """What was never written would be looked for, or the next change be missed."""
    start = await shelf.store.read(moved_since, 0)
    with pytest.raises(LookupError):
        await shelf.write(said("ada", to="no such"))
    await shelf.say("ada")
    found = await shelf.store.read(moved_since, start.mark)
    assert [one[1] for one in found.conversations] == ["talk"]


def test_a_look_ends_before_what_is_under_way() -> None:
    """What is committed during a look would be in neither that look nor the next."""
    connection = apsw.Connection(":memory:")
    for table in ("conversation", "person", "tenant", "log"):
        connection.execute(f"CREATE TABLE {table} (changed_in INTEGER)")
    connection.execute("INSERT INTO person VALUES (7)")
    marks, look = Marks(connection, HandClock()), Look()
    marks.serve(connection, look)
    look.mark = marks.settled()
    marks.begin()
    asked = "SELECT change_mark(), settled_mark()"
    assert connection.execute(asked).fetchall() == [(8, 8)]
    assert marks.settled() == 8
    marks.end()
    assert marks.settled() == 9
