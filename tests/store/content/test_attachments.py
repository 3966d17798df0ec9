"""If these fail, a file is sent twice or by a stranger, or its bytes stay for ever."""

from pathlib import Path

import apsw
import pytest

from chatd.domain.content.attachments import AttachmentRecord
from chatd.errors import Refused
from chatd.store import messages
from chatd.store.change import Moved
from chatd.store.content import attachments
from chatd.store.content.attachments import (
    Attach,
    DoomBlob,
    DropAttachments,
    ForgetBlobs,
    PutAttachment,
)
from tests.store.filing import (
    QUOTA,
    doomed,
    forwarded,
    holding,
    removal,
    upload,
    used,
    with_files,
)
from tests.store.shelf import TENANT, Shelf


async def test_bytes_without_a_row_are_due(shelf: Shelf) -> None:
    """A process that dies while somebody uploads would leave bytes for ever."""
    await shelf.write(DoomBlob("lost", shelf.clock.at_ms + 1_000))
    assert await doomed(shelf) == []
    assert await doomed(shelf, in_ms=1_000) == ["lost"]
    await shelf.write(ForgetBlobs(("lost",)))
    assert await doomed(shelf, in_ms=1_000) == []


async def test_a_row_saves_its_bytes(shelf: Shelf) -> None:
    """An upload would be deleted before it is sent."""
    await upload(shelf, "f")
    assert await doomed(shelf, in_ms=10_000) == []
    assert await shelf.store.read(attachments.usage, TENANT, "ada") == (10, 1)


async def test_bytes_that_were_given_up(shelf: Shelf) -> None:
    """A file would be shown whose bytes are gone."""
    record = AttachmentRecord("f", "ada", "gone", "f.txt", "text/plain", 1, 0)
    with pytest.raises(Refused, match="storage_full"):
        await shelf.write(PutAttachment(record, QUOTA))


async def test_the_quota(shelf: Shelf) -> None:
    """One school would fill the disk of all."""
    await upload(shelf, "a", size=600)
    await upload(shelf, "b", size=400)
    with pytest.raises(Refused, match="storage_full"):
        await upload(shelf, "c", size=1)
    await shelf.write(DropAttachments(("a",)))
    assert await used(shelf) == 400
    await upload(shelf, "c", size=600)


async def test_a_file_is_claimed_once_and_by_its_uploader(shelf: Shelf) -> None:
    """A stranger could send, and so read, somebody's upload."""
    await upload(shelf, "f")
    with pytest.raises(Moved):
        await shelf.write(with_files("ben", Attach("f")))
    await shelf.write(with_files("ada", Attach("f")))
    with pytest.raises(Moved):
        await shelf.write(with_files("ada", Attach("f")))
    with pytest.raises(Moved):
        await shelf.write(with_files("ada", Attach("nothing")))


async def test_two_at_once_get_it_once(shelf: Shelf) -> None:
    """Two sends of one file at the same moment would both have it."""
    await upload(shelf, "f")
    first = shelf.store.commit(shelf.change(with_files("ada", Attach("f"))))
    second = shelf.change(with_files("ada", Attach("f")))
    await first
    with pytest.raises(Moved):
        await shelf.store.commit(second)


async def test_a_removal_dooms_the_bytes(shelf: Shelf) -> None:
    """A removed file could still be fetched from the disk (ITS-77)."""
    await upload(shelf, "f")
    message = with_files("ada", Attach("f"))
    await shelf.write(message)
    await shelf.write(removal(message))
    assert await doomed(shelf) == ["blob-of-f"]
    assert await used(shelf) == 0
    assert await shelf.store.read(attachments.by_id, TENANT, "f") is None
    record = await shelf.store.read(messages.by_id, TENANT, message.id)
    assert record is not None
    assert record.attachments_json is None


async def test_a_copy_keeps_the_bytes(shelf: Shelf) -> None:
    """What was forwarded would vanish when its author tidies up (ITS-42)."""
    first, copy = await forwarded(shelf)
    assert await used(shelf) == 10
    await shelf.write(removal(first))
    assert await doomed(shelf) == []
    assert await shelf.store.read(attachments.by_id, TENANT, "g") is not None
    await shelf.write(removal(copy))
    assert await doomed(shelf) == ["blob-of-f"]


async def test_unsent_uploads(shelf: Shelf) -> None:
    """Files that nobody sent would stay, or one would go that was sent meanwhile."""
    await upload(shelf, "f")
    await upload(shelf, "sent")
    await shelf.write(with_files("ada", Attach("sent")))
    now_ms = shelf.clock.at_ms
    assert await shelf.store.read(attachments.unclaimed, now_ms, 9) == []
    found = await shelf.store.read(attachments.unclaimed, now_ms + 1, 9)
    assert found == [(TENANT, "f")]
    await shelf.write(DropAttachments(("f", "sent")))
    assert await shelf.store.read(attachments.by_id, TENANT, "f") is None
    assert await shelf.store.read(attachments.by_id, TENANT, "sent") is not None
    assert await doomed(shelf) == ["blob-of-f"]


async def test_tenants_are_apart(shelf: Shelf) -> None:
    """Somebody of another school could send, or delete, a file of this one."""
    await shelf.people("ada", tenant="other")
    await shelf.talk("theirs", "ada", tenant="other")
    await upload(shelf, "f")
    with pytest.raises(Moved):
        await shelf.write(with_files("ada", Attach("f"), to="theirs"), tenant="other")
    await shelf.write(DropAttachments(("f",)), tenant="other")
    assert await shelf.store.read(attachments.by_id, TENANT, "f") is not None
    assert await shelf.store.read(attachments.by_id, "other", "f") is None


@pytest.mark.engines("sqlite")
async def test_no_name_is_left(shelf: Shelf, tmp_path: Path) -> None:
    """A removed file's name could be read from the database file."""
    await upload(shelf, "canary-7f3a")
    message = with_files("ada", Attach("canary-7f3a"))
    await shelf.write(message)
    await shelf.write(removal(message), ForgetBlobs(("blob-of-canary-7f3a",)))
    connection = apsw.Connection(str(shelf.path))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()
    assert holding(tmp_path, b"canary-7f3a") == []
