"""If these fail, removed words are kept that nobody may keep, or lost that are needed.

ITS-77 and the decision on it: `retain_removed_days` 0 keeps nothing at all.
"""

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from chatd.store.content import attachments
from chatd.store.content.attachments import Attach
from chatd.store.engine.applying import apply
from chatd.store.engine.postgres.connections import PostgresTransaction
from chatd.store.engine.postgres.locks import lock
from chatd.store.keeping import holds, vault
from chatd.store.keeping.holds import LiftHold, SetHold
from chatd.store.keeping.vault import EmptyVault, Kept, Wanted
from chatd.store.messages import EditMessage, RemoveMessage
from tests.store.filing import (
    doomed,
    forwarded,
    removal,
    upload,
    used,
    with_files,
)
from tests.store.shelf import TENANT, Shelf

END = (2**53, "", 0)


async def kept(shelf: Shelf, **asked: str) -> list[Kept]:
    wanted = Wanted(**asked)  # type: ignore[arg-type]
    return await shelf.store.read(vault.page, TENANT, wanted, END, 99)


def edit(message: str, days: int = 30) -> EditMessage:
    return EditMessage(message, "talk", "ada", "new", None, None, keep_days=days)


def remove(message: str, days: int = 30) -> RemoveMessage:
    return RemoveMessage(message, "talk", "ben", None, "removed", keep_days=days)


async def empty(shelf: Shelf, **more: str) -> int:
    due = await shelf.store.read(vault.due, TENANT, before_ms=2**53, limit=99, **more)
    await shelf.write(EmptyVault(due))
    return len(due)


async def test_what_is_kept(shelf: Shelf) -> None:
    """Whoever looks into a case would not see what was said, when, or who took it."""
    message, _ = await shelf.say("ada", "first")
    said_ms = shelf.clock.at_ms
    shelf.clock.at_ms += 10
    await shelf.write(edit(message))
    shelf.clock.at_ms += 10
    await shelf.write(remove(message))
    common = (message, 3, "talk", "ada")
    assert await kept(shelf) == [
        Kept(
            *common[:1],
            4,
            *common[2:],
            "removed",
            "new",
            None,
            said_ms + 10,
            said_ms + 20,
            "ben",
        ),
        Kept(*common, "edited", "first", None, said_ms, said_ms + 10, "ada"),
    ]
    assert [one.seq for one in await kept(shelf, why="edited")] == [3]
    assert await kept(shelf, author_id="ben") == []
    assert len(await kept(shelf, conversation_id="talk", message_id=message)) == 2


async def test_nothing_is_kept_unless_the_policy_says_so(shelf: Shelf) -> None:
    """What was removed "permanently" would lie in another table (ITS-77)."""
    message, _ = await shelf.say("ada", "first")
    await shelf.write(edit(message, 0))
    await shelf.write(remove(message, 0))
    assert await kept(shelf) == []


@pytest.mark.parametrize("about", [("person", "ada"), ("conversation", "talk")])
async def test_a_hold_keeps_what_the_policy_would_not(
    shelf: Shelf, about: tuple[holds.About, str]
) -> None:
    """Whoever learns of a case would remove the evidence, and it would be gone."""
    message, _ = await shelf.say("ada", "first")
    await shelf.write(SetHold("case", *about, "lead"))
    await shelf.write(remove(message, 0))
    assert await empty(shelf) == 0
    places = tuple((one.message_id, one.seq) for one in await kept(shelf))
    # Not even for a purge that has looked before there was a hold.
    await shelf.write(EmptyVault(places))
    assert [one.text for one in await kept(shelf)] == ["first"]
    await shelf.write(LiftHold("case"))
    assert await empty(shelf) == 1
    assert await kept(shelf) == []


async def test_files_are_kept_and_go_with_their_message(shelf: Shelf) -> None:
    """A picture would be deleted while its message is kept, or lie on for ever."""
    await upload(shelf, "f")
    message = with_files("ada", Attach("f"))
    await shelf.write(message)
    await shelf.write(replace(removal(message), keep_days=30))
    assert await shelf.store.read(attachments.by_id, TENANT, "f") is None
    assert await doomed(shelf) == []
    assert await used(shelf) == 10
    record = await shelf.store.read(vault.file, TENANT, "f")
    assert record is not None
    assert (record.blob, record.name) == ("blob-of-f", "f.txt")
    assert await shelf.store.read(vault.file, "other", "f") is None
    assert await empty(shelf, author_id="ben") == 0
    assert await empty(shelf, author_id="ada") == 1
    assert await doomed(shelf) == ["blob-of-f"]
    assert await used(shelf) == 0


async def test_bytes_that_a_message_still_has_stay(shelf: Shelf) -> None:
    """Emptying the vault would delete a file that somebody forwarded."""
    await shelf.talk("away", "ben", "dan")
    await upload(shelf, "f")
    message = with_files("ada", Attach("f"))
    await shelf.write(message)
    await shelf.write(with_files("ben", Attach("g", copy_of="f"), to="away"))
    await shelf.write(replace(removal(message), keep_days=30))
    await empty(shelf)
    assert await doomed(shelf) == []


async def test_only_what_is_old_is_due(shelf: Shelf) -> None:
    """What was removed today would go with what was removed a month ago."""
    for _ in range(3):
        message, _ = await shelf.say("ada", "x")
        await shelf.write(remove(message))
        shelf.clock.at_ms += 1000
    before_ms = shelf.clock.at_ms - 1500
    found = await shelf.store.read(vault.due, TENANT, before_ms=before_ms, limit=99)
    assert len(found) == 2
    assert (
        await shelf.store.read(vault.due, TENANT, before_ms=before_ms, limit=1)
        == (found[:1])
    )
    for tenant in ("other", TENANT):
        due = await shelf.store.read(vault.due, tenant, before_ms=2**53, limit=9)
        assert len(due) == (3 if tenant == TENANT else 0)


@pytest.mark.engines("postgres")
async def test_the_last_two_with_the_same_bytes_go_at_once(shelf: Shelf) -> None:
    """Each would leave the bytes to the other, and a removed picture stay for ever."""
    first, copy = await forwarded(shelf)
    await shelf.write(replace(removal(first), keep_days=30))
    due = await shelf.store.read(vault.due, TENANT, before_ms=2**53, limit=9)
    change = shelf.change(EmptyVault(due))
    link = await asyncpg.connect(shelf.url)
    try:
        tx = PostgresTransaction(link)
        await link.execute("BEGIN")
        await lock(tx, [change])
        await apply(tx, change)
        other = asyncio.create_task(shelf.write(removal(copy)))
        await asyncio.wait({other}, timeout=0.3)
        await link.execute("COMMIT")
        await other
    finally:
        await link.close()
    assert await doomed(shelf) == ["blob-of-f"]
