"""What every store keeps to, whichever engine is underneath."""

import ast
import asyncio
import importlib
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import chatd.store
from chatd.domain.announcements import Logged
from chatd.errors import Refused
from chatd.store import conversation_views, log, members, messages
from chatd.store.change import Committed
from chatd.store.transaction import Transaction
from tests.store.shelf import TENANT, Shelf, said, shelf_at
from tests.support.counted import value
from tests.support.waiting import wait_until

STORE = Path(chatd.store.__path__[0])
OF_A_TENANT = re.compile(
    r"\btenant = \$1|INTO \w+ \(tenant, |(FROM|INTO|UPDATE) tenant "
    r"|\btenant = [klop]\.tenant"
)
BESIDES = {
    "SELECT count(*) FROM meta",
    "SELECT settled_mark(), database_ms()",
    "SELECT name, value FROM meta",
    "UPDATE meta SET value = value WHERE name = 'epoch'",
}
"""What a database keeps about itself belongs to no tenant."""


async def outcomes(shelf: Shelf, *writes: object) -> list[Committed | BaseException]:
    """All of them under way at once."""
    changes = [shelf.change(one) for one in writes]  # type: ignore[arg-type]
    return await asyncio.gather(
        *(shelf.store.commit(one) for one in changes), return_exceptions=True
    )


async def test_a_bad_change_undoes_only_itself(shelf: Shelf) -> None:
    """One bad request would take others' messages with it."""
    good = [said("ada", str(n)) for n in range(6)]
    bad = said("ben", "nowhere", to="no such")
    done = await outcomes(shelf, *good[:3], bad, *good[3:])
    assert isinstance(done[3], LookupError)
    rest = [one.seqs for one in done if isinstance(one, Committed)]
    assert rest == [(n,) for n in range(2, 8)]
    rows = await shelf.store.read(
        log.events, TENANT, "talk", after_seq=1, until_seq=99, limit=99
    )
    assert [row.message.text for row in rows if row.message] == list("012345")


async def test_announced_in_order_before_the_answers(shelf: Shelf) -> None:
    """Listeners would hear of messages twice, out of order or after the sender."""
    answered: list[int] = []

    async def send() -> None:
        seqs = (await shelf.write(said("ada"))).seqs
        heard = [one.seq for one in shelf.announced if isinstance(one, Logged)]
        assert set(seqs) <= set(heard)
        answered.extend(seqs)

    await asyncio.gather(*(send() for _ in range(20)))
    heard = [one.seq for one in shelf.announced if isinstance(one, Logged)]
    assert heard == answered == list(range(2, 22))


async def test_whoever_hangs_up_undoes_nothing(shelf: Shelf) -> None:
    """A client that goes while it sends would leave others without the message."""
    task = asyncio.create_task(shelf.store.commit(shelf.change(said("ada"))))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    told = Logged(TENANT, "talk", 2, "message.created")
    await wait_until(lambda: told in shelf.announced)


async def test_nothing_is_taken_after_the_end(database: str) -> None:
    """A deed at the last moment of a server would wait for an answer for ever."""
    async with shelf_at(database) as shelf:
        await shelf.people("ada")
        await shelf.talk("talk", "ada")
        waiting = asyncio.create_task(shelf.store.commit(shelf.change(said("ada"))))
        await asyncio.sleep(0)
        await shelf.store.close()
        assert (await waiting).seqs == (2,)
        with pytest.raises(Refused) as refused:
            await shelf.say("ada")
        assert refused.value.code == "storage_unavailable"
        with pytest.raises(Refused):
            await shelf.store.read(members.current_ids, TENANT, "talk")


async def test_the_epoch_stays_with_the_database(database: str) -> None:
    """Clients would throw away what they have at every restart."""
    epochs = []
    for _ in range(2):
        async with shelf_at(database) as shelf:
            assert await shelf.store.ready()
            epochs.append(shelf.store.epoch)
    assert epochs[0] == epochs[1] != ""


async def test_readers_only_read(shelf: Shelf) -> None:
    """A write could go unannounced."""

    async def write(tx: Transaction) -> None:
        await tx.run("DELETE FROM message")

    with pytest.raises(Refused) as refused:
        await shelf.store.read(write)
    assert refused.value.code == "storage_unavailable"
    assert await shelf.store.ready()


async def test_reads_see_one_moment(shelf: Shelf) -> None:
    """A page would mix what was before a deed with what came after it."""
    loop = asyncio.get_running_loop()
    began, go_on = threading.Event(), threading.Event()

    async def look(tx: Transaction) -> list[tuple[tuple[str, int, int], ...]]:
        first = await members.of_user(tx, TENANT, "ada")
        began.set()
        if _on_the_loop():
            await loop.run_in_executor(None, go_on.wait, 60)
        else:
            go_on.wait(60)
        return [first, await members.of_user(tx, TENANT, "ada")]

    looking = asyncio.create_task(shelf.store.read(look))
    await asyncio.to_thread(began.wait, 60)
    assert value("chatd_db_pool_in_use") >= 1
    await shelf.say("ada")
    go_on.set()
    assert await looking == [(("talk", 1, 1),)] * 2
    assert await shelf.store.read(members.of_user, TENANT, "ada") == (("talk", 1, 2),)


def _on_the_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def test_tenants_share_nothing(shelf: Shelf) -> None:
    """One school would read what is written in another."""
    await shelf.people("ada", "ben", tenant="other")
    await shelf.talk("talk", "ada", "ben", tenant="other")
    id_, seq = await shelf.say("ada", "for the other school", tenant="other")
    assert seq == 2
    read = shelf.store.read
    assert await read(messages.by_id, TENANT, id_) is None
    assert await read(messages.by_client_id, TENANT, "ada", id_) is None
    assert [row.seq for row in await read(log.tail, TENANT, log.BEGINNING, 99)] == [1]
    here, there = [
        await read(
            conversation_views.views,
            tenant,
            "ben",
            ids=["talk"],
            unread_bound=9,
            others_max=9,
            history="all",
        )
        for tenant in (TENANT, "other")
    ]
    assert (here[0].unread, here[0].record.head_seq) == (0, 1)
    assert (there[0].unread, there[0].record.head_seq) == (1, 2)
    assert here[0].others == ("ada", "cleo")


def test_every_statement_names_the_tenant() -> None:
    """A statement would reach into another school's rows."""
    nameless, seen = [], 0
    for path in sorted([*STORE.glob("*.py"), *STORE.glob("engine/*.py")]):
        inside = path.relative_to(STORE).with_suffix("").parts
        module = importlib.import_module(".".join(("chatd.store", *inside)))
        for sql in statements(ast.parse(path.read_text()), module):
            seen += 1
            if not OF_A_TENANT.search(sql) and sql not in BESIDES:
                nameless.append(f"{path.name}: {sql}")
    assert seen > 50
    assert nameless == []


def statements(tree: ast.AST, module: ModuleType) -> Iterator[str]:
    """What is given to a transaction, with the module's own constants put in."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in {"all", "one", "run"}
            and ast.unparse(node.func.value) == "tx"
        ):
            sql = node.args[0]
            if isinstance(sql, ast.Subscript):
                yield from getattr(module, ast.unparse(sql.value)).values()
            else:
                yield "".join(parts(sql, module))


def parts(node: ast.AST, module: ModuleType) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.Name(id=name):
            value = getattr(module, name, "")
            yield value if isinstance(value, str) else ""
        case _:
            for child in ast.iter_child_nodes(node):
                yield from parts(child, module)
