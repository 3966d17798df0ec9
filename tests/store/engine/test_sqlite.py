import ast
import asyncio
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import chatd.store
from chatd.errors import Refused
from chatd.store import conversation_views, log, members, messages
from chatd.store.engine.migrating import SchemaError
from chatd.store.engine.sqlite import open_store
from chatd.store.messages import RemoveMessage
from chatd.store.transaction import Transaction
from tests.store.shelf import TENANT, Shelf, shelf_at
from tests.support.counted import value
from tests.support.house import HandClock

STORE = Path(chatd.store.__path__[0])
OF_A_TENANT = re.compile(r"\btenant = \$1|INTO \w+ \(tenant, |(FROM|INTO) tenant ")
BESIDES = {"SELECT count(*) FROM meta"}
"""What a database keeps about itself belongs to no tenant."""


async def test_reads_see_one_moment(shelf: Shelf) -> None:
    """A page would mix what was before a deed with what came after it."""
    began, go_on = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    async def look(tx: Transaction) -> tuple[int, int]:
        first = await log.events(
            tx, TENANT, "talk", after_seq=0, until_seq=99, limit=99
        )
        loop.call_soon_threadsafe(began.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(10)
        again = await log.events(
            tx, TENANT, "talk", after_seq=0, until_seq=99, limit=99
        )
        return len(first), len(again)

    looking = asyncio.create_task(shelf.store.read(look))
    await began.wait()
    assert value("chatd_db_pool_in_use") >= 1
    await shelf.say("ada")
    go_on.set()
    assert await looking == (1, 1)
    assert await shelf.store.read(members.of_user, TENANT, "ada") == (("talk", 1, 2),)


async def test_readers_only_read(shelf: Shelf) -> None:
    """A second writer could damage the file (see the module), or go unannounced."""

    async def write(tx: Transaction) -> None:
        await tx.run("DELETE FROM message")

    with pytest.raises(Refused) as refused:
        await shelf.store.read(write)
    assert refused.value.code == "storage_unavailable"
    assert await shelf.store.ready()


async def test_durable_unless_told_otherwise(tmp_path: Path) -> None:
    """A power cut would take acknowledged messages."""
    for unsafe, level in ((False, 2), (True, 1)):
        store = open_store(
            tmp_path / f"{level}.sqlite3",
            clock=HandClock(),
            on_committed=lambda _: None,
            unsafe_durability=unsafe,
        )
        execute = store._writer._connection.execute
        assert execute("PRAGMA synchronous").fetchone() == (level,)
        assert execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert execute("PRAGMA secure_delete").fetchone() == (1,)
        assert execute("PRAGMA foreign_keys").fetchone() == (1,)
        await store.close()


def test_a_place_without_durability_is_refused(tmp_path: Path) -> None:
    """A server on a database that cannot keep its promise would start all the same."""
    file = tmp_path / "?"
    file.mkdir()
    with pytest.raises(SchemaError):
        open_store(file, clock=HandClock(), on_committed=lambda _: None)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """Somebody's other file would be written over, or the reason would be hidden."""
    path = tmp_path / "chat.sqlite3"
    path.write_text("Dear diary, " * 1_000)
    with pytest.raises(SchemaError, match=r"chat\.sqlite3"):
        open_store(path, clock=HandClock(), on_committed=lambda _: None)
    assert path.read_text() == "Dear diary, " * 1_000


async def test_the_epoch_stays_with_the_file(tmp_path: Path) -> None:
    """Clients would throw away what they have at every restart, or never."""
    epochs = []
    for name in ("a", "a", "b"):
        async with shelf_at(tmp_path / f"{name}.sqlite3") as shelf:
            epochs.append(shelf.store.epoch)
    assert epochs[0] == epochs[1] != epochs[2] != ""


async def test_what_is_removed_is_gone_from_the_file(tmp_path: Path) -> None:
    """A removed message could be read from the disk for ever."""
    path = tmp_path / "chat.sqlite3"
    async with shelf_at(path) as shelf:
        await shelf.people("ada")
        await shelf.talk("talk", "ada")
        id_, _ = await shelf.say("ada", "an unmistakable secret")
        await shelf.say("ada", "something that stays")
        await shelf.write(RemoveMessage(id_, "talk", "ada", None, "author"))
    left = b"".join(file.read_bytes() for file in (path, *with_log(path)))
    assert b"something that stays" in left
    assert b"unmistakable" not in left


def with_log(path: Path) -> list[Path]:
    """What SQLite keeps beside the file."""
    return list(path.parent.glob(f"{path.name}-*"))


async def test_tenants_share_nothing(shelf: Shelf) -> None:
    """One school would read what is written in another."""
    await shelf.people("ada", "ben", tenant="other")
    await shelf.talk("talk", "ada", "ben", tenant="other")
    id_, seq = await shelf.say("ada", "for the other school", tenant="other")
    assert seq == 2
    read = shelf.store.read
    assert await read(messages.by_id, TENANT, id_) is None
    assert await read(messages.by_client_id, TENANT, "ada", id_) is None
    assert [row.seq for row in await read(log.tail, TENANT, 0, 99)] == [1]
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
