"""If these fail, what staff removed goes on from conversation to conversation."""

from chatd.store import messages
from chatd.store.content.attachments import Attach
from chatd.store.removing.copies import RemoveCopies
from tests.store.filing import doomed, forwarded, removal, upload, with_files
from tests.store.shelf import TENANT, Shelf


async def test_staff_remove_the_copies_too(shelf: Shelf) -> None:
    """A picture that a teacher removed would go on from chat to chat (section 6)."""
    first, copy = await forwarded(shelf)
    await shelf.write(RemoveCopies(removal(first)), removal(first))
    assert await doomed(shelf) == ["blob-of-f"]
    record = await shelf.store.read(messages.by_id, TENANT, copy.id)
    assert record is not None
    assert record.removed_at_ms is not None


async def test_a_copy_beside_other_things(shelf: Shelf) -> None:
    """Staff would remove what others wrote, with one file that came along."""
    await shelf.talk("away", "ben", "dan")
    await upload(shelf, "f")
    await upload(shelf, "own", "ben")
    first = with_files("ada", Attach("f"))
    mixed = with_files("ben", Attach("g", copy_of="f"), Attach("own"), to="away")
    await shelf.write(first)
    await shelf.write(mixed)
    done = await shelf.write(RemoveCopies(removal(first)), removal(first))
    record = await shelf.store.read(messages.by_id, TENANT, mixed.id)
    assert record is not None
    assert record.removed_at_ms is None
    assert record.attachments_json == '[{"id":"own","name":"own.txt"}]'
    assert record.edited_at_ms is None
    assert len(done.seqs) == 2
