"""If these fail, what a school wants to keep is purged, or what it does not, kept."""

import asyncio

import pytest

from chatd.store import messages
from chatd.store.change import Moved
from chatd.store.keeping import lapsing
from chatd.store.keeping.holds import LiftHold, SetHold
from chatd.store.keeping.lapsing import Claim, SetPurged
from chatd.store.messages import RemoveMessage
from tests.store.shelf import TENANT, Shelf


async def due(shelf: Shelf, before_ms: int, kind: str = "group") -> list[str]:
    return await shelf.store.read(
        lapsing.due_conversations, TENANT, kind, before_ms, "", 99
    )


async def old(shelf: Shelf, before_ms: int, limit: int = 99) -> list[str]:
    return await shelf.store.read(
        lapsing.due_messages, TENANT, "talk", before_ms, limit
    )


async def until(shelf: Shelf, before_ms: int) -> int:
    return await shelf.store.read(lapsing.purged_until, TENANT, "talk", before_ms)


async def purge(shelf: Shelf, *ids: str) -> None:
    for id_ in ids:
        gone = RemoveMessage(id_, "talk", None, None, "removed", for_good=True)
        await shelf.write(gone)


async def test_what_is_due(shelf: Shelf) -> None:
    """Young messages would go, or old ones stay for ever behind a hold."""
    ids = []
    for name in ("ada", "ben", "ada"):
        ids.append((await shelf.say(name))[0])
        shelf.clock.at_ms += 1000
    all_ms = shelf.clock.at_ms
    two_ms = all_ms - 1500
    assert await due(shelf, two_ms) == ["talk"]
    assert await due(shelf, two_ms, "course") == []
    assert await due(shelf, all_ms - 3000) == []
    assert await old(shelf, two_ms) == ids[:2]
    assert await old(shelf, two_ms, 1) == ids[:1]
    await shelf.write(SetHold("case", "person", "ada", "lead"))
    assert await old(shelf, two_ms) == ids[1:2]
    await purge(shelf, ids[1])
    # Up to the message on hold, which is at the second place of the log.
    assert await until(shelf, two_ms) == 1
    await shelf.write(LiftHold("case"))
    await purge(shelf, ids[0])
    assert await until(shelf, two_ms) == 3
    await shelf.write(SetPurged("talk", 3))
    assert await due(shelf, two_ms) == []
    assert await due(shelf, all_ms + 1) == ["talk"]
    await purge(shelf, ids[2])
    end = await until(shelf, all_ms + 1)
    await shelf.write(SetPurged("talk", end))
    assert await due(shelf, all_ms + 1) == []


async def test_the_clients_keys_go_too(shelf: Shelf) -> None:
    """A client that puts words into its keys would have them kept for ever."""
    one, _ = await shelf.say("ada")
    two, _ = await shelf.say("ada")
    by_author = RemoveMessage(one, "talk", "ada", None, "removed")
    await shelf.write(by_author)
    await shelf.write(SetPurged("talk", 2))
    records = await shelf.store.read(messages.many, TENANT, [one, two])
    assert records[one].client_message_id is None
    assert records[two].client_message_id is not None
    await purge(shelf, two)
    records = await shelf.store.read(messages.many, TENANT, [two])
    assert records[two].client_message_id is None


async def test_one_process_at_a_time(shelf: Shelf) -> None:
    """Two gateways would purge the same, and tell everybody twice."""
    claims = [shelf.write(Claim("purge", f"gateway-{n}", 1000)) for n in range(5)]
    done = await asyncio.gather(*claims, return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["Committed", *["Moved"] * 4]
    winner = next(n for n, one in enumerate(done) if not isinstance(one, Moved))
    await shelf.write(Claim("purge", f"gateway-{winner}", 1000))
    await shelf.write(Claim("other", "somebody", 1000))
    await shelf.people("zoe", tenant="other")
    await shelf.write(Claim("purge", "somebody", 1000), tenant="other")
    shelf.clock.at_ms += 999
    with pytest.raises(Moved):
        await shelf.write(Claim("purge", "somebody", 1000))
    shelf.clock.at_ms += 1
    await shelf.write(Claim("purge", "somebody", 1000))
    with pytest.raises(Moved):
        await shelf.write(Claim("purge", f"gateway-{winner}", 1000))
