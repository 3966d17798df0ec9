"""If these fail, a restored backup brings back what was taken away."""

from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from chatd.clock import SystemClock
from chatd.store import messages, people
from chatd.store.content.attachments import Attach
from chatd.store.messages import RemoveMessage
from chatd.store.people import EndSessions
from chatd.store.removing.copies import RemoveCopies
from chatd.store.upkeep.copying import copy, ledger
from chatd.store.upkeep.erasures import Erasure, erase_again, from_line, to_line
from tests.store.filing import doomed, removal, upload, with_files
from tests.store.invariants import check
from tests.store.shelf import TENANT, Shelf, shelf_at

REMOVED = {"conversationId": "talk", "actor": "ada", "by": None, "notice": "author"}

pytestmark = pytest.mark.engines("sqlite")


async def test_each_erasure_leaves_its_row(shelf: Shelf) -> None:
    """What was removed since a backup could not be told from what was not."""
    kept, _ = await shelf.say("ada", "stays")
    gone, _ = await shelf.say("ada", "an unmistakable secret")
    now_ms = shelf.clock.now_ms()
    await shelf.write(RemoveMessage(gone, "talk", "ada", None, "author"))
    await shelf.write(EndSessions("ben", now_ms + 1))
    assert ledger(shelf.path) == [
        Erasure(TENANT, "message", gone, REMOVED, now_ms),
        Erasure(TENANT, "sessions", "ben", {}, now_ms + 1),
    ]
    assert kept not in str(ledger(shelf.path))
    assert "unmistakable" not in str(ledger(shelf.path))


async def test_what_fails_is_not_noted(shelf: Shelf) -> None:
    """A restore would take away what nobody took away."""
    gone, _ = await shelf.say("ada")
    for _ in range(2):
        try:
            await shelf.write(RemoveMessage(gone, "talk", "ada", None, "author"))
        except Exception:  # noqa: BLE001 - the second one finds it removed
            continue
    assert len(ledger(shelf.path)) == 1


async def test_what_an_older_release_removed_is_in_the_ledger(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an upgrade every earlier removal would be forgotten by the next restore."""
    gone, _ = await shelf.say("ada")
    await shelf.write(RemoveMessage(gone, "talk", "ada", None, "author"))
    await shelf.write(EndSessions("ben", 5))
    expected = ledger(shelf.path)
    await shelf.store.close()
    connection = apsw.Connection(str(shelf.path))
    connection.execute("DROP TABLE erasure; DELETE FROM migration WHERE number = 3")
    connection.close()
    async with shelf_at(shelf.path):
        found = ledger(shelf.path)
    assert sorted(found, key=str) == sorted(expected, key=str)


def test_lines() -> None:
    """A ledger that was kept elsewhere could not be read."""
    row = Erasure(TENANT, "message", "m", REMOVED, SystemClock().now_ms())
    assert from_line(to_line(row)) == row
    for line in (b"", b"{}", b"[1]", b"null", b'{"tenant": "t"}', to_line(row)[:-5]):
        with pytest.raises(ValueError, match="no line of a ledger"):
            from_line(line)


def bytes_of(folder: Path) -> bytes:
    return b"".join(one.read_bytes() for one in folder.glob("copy*"))


async def test_it_stays_erased(shelf: Shelf, tmp_path: Path) -> None:
    """A child's message that was removed would be back for the class to read."""
    old = tmp_path / "copy"
    stays, _ = await shelf.say("ada", "this may stay")
    gone, _ = await shelf.say("ada", "an unmistakable secret")
    copy(shelf.path, old)
    late, _ = await shelf.say("ada", "after the backup")
    for id_ in (gone, late):
        await shelf.write(RemoveMessage(id_, "talk", "ada", None, "author"))
    await shelf.write(EndSessions("ada", shelf.clock.now_ms() + 7))
    async with shelf_at(old) as restored:
        assert await erase_again(restored.store, ledger(shelf.path)) == 2
        # Once more finds nothing of the message; ending sessions is the same twice.
        assert await erase_again(restored.store, ledger(shelf.path)) == 1
        person = await restored.store.read(people.get, TENANT, "ada")
        assert person is not None
        assert person.tokens_valid_from_ms == shelf.clock.now_ms() + 7
        assert [one.id for one in ledger(old) if one.kind == "message"] == [gone]
    check(old)
    left = bytes_of(tmp_path)
    assert b"this may stay" in left
    assert b"unmistakable" not in left
    assert stays.encode() in left
    assert late.encode() not in left


async def test_another_releases_erasure_is_not_passed_over(shelf: Shelf) -> None:
    """An older release would restore what it does not know how to take away."""
    with pytest.raises(ValueError, match="the ledger has holograms"):
        await erase_again(shelf.store, [Erasure(TENANT, "holograms", "h", {}, 1)])


async def test_files_stay_out_of_what_others_sent(shelf: Shelf, tmp_path: Path) -> None:
    """A picture that staff removed would be back beside another one's words."""
    old = tmp_path / "copy"
    await shelf.talk("away", "ben", "dan")
    await upload(shelf, "f")
    first = with_files("ada", Attach("f"))
    both = with_files("ben", Attach("g", copy_of="f"), to="away")
    both = replace(both, text="these words stay")
    await shelf.write(first)
    await shelf.write(both)
    copy(shelf.path, old)
    await shelf.write(RemoveCopies(removal(first)), removal(first))
    assert [one.kind for one in ledger(shelf.path)] == ["files", "message"]
    async with shelf_at(old) as restored:
        assert await erase_again(restored.store, ledger(shelf.path)) == 2
        assert await erase_again(restored.store, ledger(shelf.path)) == 0
        record = await restored.store.read(messages.by_id, TENANT, both.id)
        assert record is not None
        assert (record.text, record.attachments_json) == ("these words stay", None)
        assert await doomed(restored) == ["blob-of-f"]
    assert b"f.txt" not in bytes_of(tmp_path)
