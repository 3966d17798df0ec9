"""If these fail, an upload that is tried again is another file, or tells too much."""

import io
from pathlib import Path

import pytest
from PIL import Image

from chatd.actions.content import uploading
from chatd.actions.content.attachments import Files
from chatd.limits import Limits
from chatd_protocol.chat.objects import Attachment
from tests.actions.deeds import refused, start, together, who
from tests.actions.uploads import give, lying_in, sees, upload
from tests.support.files import chunks, files_at, picture
from tests.support.house import House, house

PLACE = "N 59 54 50 E 10 44 20"


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return files_at(tmp_path / "files")


async def again(
    school: House,
    files: Files,
    content: bytes = b"some notes",
    *,
    alt: str | None = None,
    key: str = "one",
) -> Attachment:
    received = await uploading.receive(
        school.context, files, who("anna"), "notes.txt", chunks(content), key
    )
    return await uploading.keep(school.context, who("anna"), received, alt, key)


async def test_the_same_id_is_the_same_file(
    school: House, files: Files, tmp_path: Path
) -> None:
    """A retry would leave a second file, for which nobody ever asks (section 3)."""
    first = await again(school, files, alt="Notes")
    lying = lying_in(tmp_path / "files")
    assert await again(school, files, alt="Notes") == first
    # Also when it was sent meanwhile: the answer is of what was stored.
    talk = await start(school, "anna", "sue")
    await give(school, "anna", talk.id, first.id)
    assert await again(school, files, alt="Notes") == first
    assert lying_in(tmp_path / "files") == lying


async def test_something_else_under_the_same_id(school: House, files: Files) -> None:
    """A client that numbers its uploads anew would lose files without a word."""
    await again(school, files, alt="Notes")
    await refused("idempotency_conflict", again(school, files, b"other notes"))
    await refused("idempotency_conflict", again(school, files, alt="Other"))
    assert (await again(school, files, b"other notes", key="two")).size == 11


async def test_two_at_once_are_one(school: House, files: Files) -> None:
    """A second click while the first upload runs would be a second file."""
    done = await together(*(again(school, files) for _ in range(2)))
    ids = {one.id for one in done if isinstance(one, Attachment)}
    assert len(ids) == 1


async def test_a_retry_needs_no_room(tmp_path: Path) -> None:
    """The last upload that there was room for would be refused when tried again."""
    files = files_at(tmp_path / "files")
    async with house(tmp_path, Limits(unclaimed_uploads=1)) as school:
        await school.people("anna", role="teacher")
        first = await again(school, files)
        assert await again(school, files) == first
        await refused("rate_limited", again(school, files, key="two"))


async def test_photos_do_not_say_where_they_were_taken(
    school: House, files: Files, tmp_path: Path
) -> None:
    """Whoever is sent a pupil's photo would know where the pupil lives."""
    told = Image.Exif()
    told[0x0112] = 6
    told.get_ifd(0x8825)[29] = PLACE
    taken = picture("JPEG", exif=told)
    assert PLACE.encode() in taken
    kept = await upload(school, files, "anna", taken, "me.jpg")
    for path in lying_in(tmp_path / "files"):
        assert PLACE.encode() not in path.read_bytes()
    shown = await sees(school, files, "anna", kept.id)
    assert (len(shown), kept.width, kept.height) == (kept.size, 40, 60)
    with Image.open(io.BytesIO(shown)) as found:
        assert found.getexif()[0x0112] == 6
