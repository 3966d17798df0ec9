"""If these fail, a hostile picture harms the server, or a thumbnail tells too much."""

import io
import struct
import time
import zlib

import pytest
from PIL import Image

from chatd.files.pictures import Pictures
from tests.support.files import animation, chunks, picture

SECRET = b"taken at home, 52.5 N"


def bomb() -> bytes:
    """A PNG of a kilobyte that says it is 60,000 by 60,000 pixels."""

    def part(kind: bytes, content: bytes) -> bytes:
        crc = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    data = zlib.compress(bytes(1_000_000))
    return (
        b"\x89PNG\r\n\x1a\n"
        + part(b"IHDR", head)
        + part(b"IDAT", data)
        + part(b"IEND", b"")
    )


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
async def test_pictures_are_seen(kind: str) -> None:
    """A picture would be shown without its size, and the page would jump."""
    seen = await Pictures().look(chunks(picture(kind, (700, 300))))
    assert seen is not None
    assert (seen.width, seen.height) == (700, 300)
    with Image.open(io.BytesIO(seen.thumbnail)) as small:
        assert small.format == "WEBP"
        assert small.size == (480, 206)


async def test_nothing_but_pixels_is_left() -> None:
    """A thumbnail would tell where a child lives."""
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    exif[0x0112] = 6
    content = picture("JPEG", (80, 40), exif=exif, comment=SECRET)
    assert SECRET in content
    seen = await Pictures().look(chunks(content))
    assert seen is not None
    assert SECRET not in seen.thumbnail
    assert b"EXIF" not in seen.thumbnail
    # The camera was held upright: so it is shown.
    assert (seen.width, seen.height) == (40, 80)


HOSTILE = {
    "a bomb": bomb(),
    "half a picture": picture("PNG", (300, 300))[:9_000],
    "half a photo": picture("JPEG", (300, 300))[:9_000],
    "too many frames": animation(1_100),
    "no picture": b"GIF89a",
    "a page": b"<svg xmlns='http://www.w3.org/2000/svg'><script>x</script></svg>",
    "another format": picture("TIFF"),
    "nothing": b"",
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_pictures_are_not_shown(name: str) -> None:
    """A decoder would be led astray, or the server's memory would fill."""
    assert await Pictures().look(chunks(HOSTILE[name])) is None


async def test_a_polyglot_is_the_picture_that_it_is() -> None:
    """A script behind a picture would get into what is shown of it."""
    script = b"*/=1;alert(document.cookie);/*"
    seen = await Pictures().look(chunks(picture("GIF") + script))
    assert seen is None or script not in seen.thumbnail


async def test_who_takes_too_long_is_killed() -> None:
    """One picture would keep a process busy for ever."""
    began = time.monotonic()
    assert await Pictures(0.01).look(chunks(picture(size=(900, 900)))) is None
    assert time.monotonic() - began < 60
