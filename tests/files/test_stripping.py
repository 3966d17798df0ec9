"""If these fail, a photo tells where it was taken, or is no longer the same photo."""

import io
import random
import struct
from collections.abc import AsyncIterator

import pytest
from PIL import Image, ImageOps, PngImagePlugin

from chatd.files.stripping import orientation, stripped

PLACE = b"N 59 54 50 E 10 44 20 marker"
FORMATS = {"JPEG": "jpeg", "PNG": "png", "WEBP": "webp"}


def exif(side: int = 1) -> Image.Exif:
    made = Image.Exif()
    made[0x0112] = side
    made[0x010F] = PLACE.decode()
    made.get_ifd(0x8825)[29] = PLACE.decode()
    return made


def photo(kind: str, side: int = 1, **more: object) -> bytes:
    """A picture that says in every way it can where it was taken."""
    noise = random.Random(7).randbytes(60 * 40 * 3)
    picture = Image.frombytes("RGB", (60, 40), noise)
    if kind == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_text("Comment", PLACE.decode())
        info.add_itxt("XML:com.adobe.xmp", PLACE.decode(), zip=False)
        more["pnginfo"] = info
    else:
        more["xmp"] = PLACE
    if kind == "JPEG":
        more["comment"] = PLACE
    if kind == "WEBP":
        more.setdefault("lossless", True)
    made = io.BytesIO()
    picture.save(made, kind, exif=exif(side), **more)
    return made.getvalue()


async def through(content: bytes, family: str, size: int = 4096) -> bytes:
    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(content), size):
            yield content[at : at + size]

    return b"".join([part async for part in stripped(chunks(), family)])


def pixels(content: bytes) -> bytes:
    with Image.open(io.BytesIO(content)) as picture:
        return ImageOps.exif_transpose(picture).convert("RGBA").tobytes()


@pytest.mark.parametrize("size", [1, 7, 64 * 1024])
@pytest.mark.parametrize("side", [1, 6])
@pytest.mark.parametrize("kind", FORMATS)
async def test_a_photo_no_longer_says_where(kind: str, side: int, size: int) -> None:
    """Whoever gets a pupil's photo would know where the pupil lives."""
    taken = photo(kind, side)
    assert PLACE in taken
    kept = await through(taken, FORMATS[kind], size)
    assert PLACE not in kept
    assert b"adobe" not in kept
    # It is the same picture, the same side up.
    assert pixels(kept) == pixels(taken)
    with Image.open(io.BytesIO(kept)) as picture:
        assert picture.getexif().get(0x0112, 1) == side
        assert dict(picture.getexif().get_ifd(0x8825)) == {}
    assert await through(kept, FORMATS[kind], size) == kept


@pytest.mark.parametrize("kind", FORMATS)
async def test_colours_stay(kind: str) -> None:
    """A photo of a painting would look other on a good screen."""
    profile = b"a colour profile, as it were" * 9
    kept = await through(photo(kind, icc_profile=profile), FORMATS[kind])
    with Image.open(io.BytesIO(kept)) as picture:
        assert picture.info["icc_profile"] == profile


async def test_progressive_and_animated_ones() -> None:
    """Half of a picture, or all frames but one, would be taken for something else."""
    taken = photo("JPEG", progressive=True, quality=95)
    assert pixels(await through(taken, "jpeg", 100)) == pixels(taken)
    frames = [Image.new("RGB", (20, 20), (shade, 0, 0)) for shade in (0, 90, 180)]
    for kind in ("PNG", "WEBP"):
        made = io.BytesIO()
        frames[0].save(made, kind, save_all=True, append_images=frames[1:])
        kept = await through(made.getvalue(), FORMATS[kind], 9)
        with Image.open(io.BytesIO(kept)) as picture:
            assert picture.n_frames == 3  # type: ignore[attr-defined]
            picture.seek(2)
            assert picture.convert("RGB").getpixel((3, 3)) == pytest.approx(
                (180, 0, 0), abs=9
            )


@pytest.mark.parametrize("kind", FORMATS)
async def test_what_is_hung_on_behind(kind: str) -> None:
    """Phones put a film with its own place behind the picture."""
    kept = await through(photo(kind) + b"ftyp" + PLACE, FORMATS[kind], 50)
    assert PLACE not in kept


@pytest.mark.parametrize("kind", FORMATS)
async def test_whatever_comes(kind: str) -> None:
    """A broken file would end in an error of ours, or never end."""
    chance = random.Random(8)
    taken = photo(kind)
    for _ in range(200):
        broken = bytearray(taken[: chance.randrange(len(taken))])
        for _ in range(chance.randrange(4)):
            if broken:
                broken[chance.randrange(len(broken))] = chance.randrange(256)
        kept = await through(bytes(broken), FORMATS[kind], chance.randrange(1, 999))
        assert len(kept) <= len(broken) + 64


async def test_other_files_pass_as_they_are() -> None:
    """A document would be cut up."""
    assert await through(b"%PDF-" + PLACE, "pdf") == b"%PDF-" + PLACE
    assert await through(b"", "jpeg") == b""


def test_which_side_is_up() -> None:
    """A broken block would turn the picture, or end in an error."""
    entry = struct.pack("<HHIHH", 0x0112, 3, 1, 8, 0)
    assert orientation(b"II*\0" + struct.pack("<IH", 8, 1) + entry) == 8
    for broken in (
        b"",
        b"MM\0*",
        b"II*\0\xff\xff\xff\xff",
        b"II*\0" + struct.pack("<IH", 8, 9),
        b"II*\0" + struct.pack("<IH", 8, 1) + entry.replace(b"\x08", b"\x09"),
    ):
        assert orientation(broken) == 1
