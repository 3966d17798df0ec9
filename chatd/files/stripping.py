"""Pictures without what their cameras wrote beside the pixels: places, names, times.

Whoever sends a photo of the blackboard does not mean to tell where they live. JPEG, PNG
and WebP pass through here chunk by chunk on their way to the depot: pixels, colours and
animation stay byte for byte as they are, and of the rest only which side is up. Nothing
is decoded, so it holds for pictures as well that no decoder here takes. What is not
built as its format says passes unchanged from there on.
"""

import re
import struct
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

SEGMENT_MAX: Final = 64 * 1024
"""Of metadata that is looked into for the side that is up; JPEG has no longer ones."""

_ORIENTATION: Final = 0x0112
_SHORT: Final = 3

_JPEG_END: Final = 0xD9
_JPEG_SCAN: Final = 0xDA
_JPEG_EXIF: Final = 0xE1
_JPEG_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
# Application segments and comments; of these an ICC profile and two more matter.
_JPEG_ASIDE: Final = frozenset({*range(0xE0, 0xF0), 0xFE})
_JPEG_KEPT: Final[Mapping[int, bytes]] = {
    0xE0: b"JFIF\0",
    0xE2: b"ICC_PROFILE\0",
    0xEE: b"Adobe",
}
_JPEG_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")

# Chunks that a picture can do without begin with a small letter; these show in it.
_PNG_KEPT: Final = frozenset(
    {
        *(b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"mDCV", b"cLLI"),
        *(b"sBIT", b"bKGD", b"hIST", b"pHYs", b"sPLT", b"acTL", b"fcTL", b"fdAT"),
    }
)
_WEBP_KEPT: Final = frozenset(
    {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"}
)
_WEBP_XMP_FLAG: Final = 0x04
_WEBP_NOTHING: Final = b"JUNK"


class _Source:
    """Bytes that arrive in chunks, taken as they are needed."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._held = bytearray()

    async def some(self) -> bytes:
        """What is there next; empty at the end."""
        if self._held:
            held, self._held = bytes(self._held), bytearray()
            return held
        return await anext(self._chunks, b"")

    def back(self, content: bytes) -> None:
        """These come first again."""
        self._held[:0] = content

    async def take(self, count: int) -> bytes:
        """So many bytes, or fewer at the end."""
        while len(self._held) < count:
            chunk = await anext(self._chunks, b"")
            if not chunk:
                break
            self._held += chunk
        taken = bytes(self._held[:count])
        del self._held[:count]
        return taken

    async def next(self, count: int) -> AsyncIterator[bytes]:
        """The same in parts, however many."""
        while count and (part := await self.some()):
            self.back(part[count:])
            part = part[:count]
            count -= len(part)
            yield part

    async def rest(self) -> AsyncIterator[bytes]:
        """All that is left."""
        while part := await self.some():
            yield part


async def stripped(chunks: AsyncIterator[bytes], family: str) -> AsyncIterator[bytes]:
    """The bytes of a file of this family without what is no picture in it.

    Other families pass as they are. No part is empty.
    """
    strip = _STRIP.get(family)
    async for part in chunks if strip is None else strip(_Source(chunks)):
        if part:
            yield part


# ------------------------------------------------------------------- which side is up


def orientation(tiff: bytes) -> int:
    """The side that is up, 1 to 8, by the first directory of an Exif block."""
    order = {b"MM\0*": ">", b"II*\0": "<"}.get(tiff[:4])
    if order is None or len(tiff) < 8:
        return 1
    (at,) = struct.unpack_from(f"{order}I", tiff, 4)
    if at + 2 > len(tiff):
        return 1
    (count,) = struct.unpack_from(f"{order}H", tiff, at)
    for entry in range(at + 2, min(at + 2 + 12 * count, len(tiff) - 11), 12):
        tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, entry)
        if (tag, kind) == (_ORIENTATION, _SHORT):
            return value if 1 <= value <= 8 else 1
    return 1


def _tiff(side: int) -> bytes:
    """An Exif block that says which side is up, and nothing else."""
    entry = struct.pack(">HHIHH", _ORIENTATION, _SHORT, 1, side, 0)
    return b"MM\0*" + struct.pack(">IH", 8, 1) + entry + bytes(4)


# ------------------------------------------------------------------------ the formats


async def _jpeg(source: _Source) -> AsyncIterator[bytes]:
    yield await source.take(2)
    while len(head := await _jpeg_head(source)) == 2 and head[0] == 0xFF:
        marker = head[1]
        if marker == _JPEG_END:
            # What some phones put behind it is another picture, or a film.
            yield head
            return
        if marker in _JPEG_ALONE:
            yield head
            continue
        size = await source.take(2)
        body = await source.take(max(0, int.from_bytes(size, "big") - 2))
        if kept := _jpeg_segment(marker, body):
            yield head + (len(kept) + 2).to_bytes(2, "big") + kept
        elif marker not in _JPEG_ASIDE:
            yield head + size
        if marker == _JPEG_SCAN:
            async for part in _jpeg_scan(source):
                yield part
    source.back(head)
    async for part in source.rest():
        yield part


async def _jpeg_head(source: _Source) -> bytes:
    """The next marker, without what fills the space before it."""
    while (head := await source.take(2)) == b"\xff\xff":
        source.back(b"\xff")
    return head


def _jpeg_segment(marker: int, body: bytes) -> bytes:
    """What is kept of a segment's content."""
    if marker == _JPEG_EXIF and body.startswith(b"Exif\0"):
        side = orientation(body[6:])
        return b"Exif\0\0" + _tiff(side) if side > 1 else b""
    if marker not in _JPEG_ASIDE:
        return body
    begins = _JPEG_KEPT.get(marker)
    return body if begins is not None and body.startswith(begins) else b""


async def _jpeg_scan(source: _Source) -> AsyncIterator[bytes]:
    """The compressed pixels, up to the next marker."""
    while part := await source.some():
        if part == b"\xff" and not (more := await source.some()):
            yield part
            return
        elif part == b"\xff":
            part += more
        found = _JPEG_MARKER.search(part)
        if found is not None:
            source.back(part[found.start() :])
            yield part[: found.start()]
            return
        whole = len(part) - part.endswith(b"\xff")
        source.back(part[whole:])
        yield part[:whole]


async def _png(source: _Source) -> AsyncIterator[bytes]:
    yield await source.take(8)
    while len(head := await source.take(8)) == 8:
        size, name = int.from_bytes(head[:4], "big"), head[4:]
        if name == b"eXIf" and size <= SEGMENT_MAX:
            side = orientation(await source.take(size))
            await source.take(4)
            if side > 1:
                yield _png_chunk(name, _tiff(side))
            continue
        kept = name in _PNG_KEPT or name[:1].isupper()
        async for part in source.next(size + 4):
            if kept:
                yield head + part
                head = b""
        if name == b"IEND":
            return
    yield head


def _png_chunk(name: bytes, content: bytes) -> bytes:
    checked = name + content
    check = zlib.crc32(checked).to_bytes(4, "big")
    return len(content).to_bytes(4, "big") + checked + check


async def _webp(source: _Source) -> AsyncIterator[bytes]:
    """Chunks keep their lengths, for the first bytes tell that of the whole."""
    head = await source.take(12)
    yield head
    left = int.from_bytes(head[4:8], "little") - 4
    while left > 0 and len(head := await source.take(8)) == 8:
        name, size = head[:4], int.from_bytes(head[4:], "little")
        padded = size + size % 2
        left -= 8 + padded
        if name == b"VP8X":
            body = await source.take(padded)
            flags = bytes(flag & ~_WEBP_XMP_FLAG for flag in body[:1])
            yield head + flags + body[1:]
        elif name == b"EXIF" and size <= SEGMENT_MAX:
            body = await source.take(padded)
            tiff = _tiff(orientation(body.removeprefix(b"Exif\0\0")))
            yield head + tiff.ljust(len(body), b"\0")[: len(body)]
        else:
            kept = name in _WEBP_KEPT
            yield head if kept else _WEBP_NOTHING + head[4:]
            async for part in source.next(padded):
                yield part if kept else bytes(len(part))


_STRIP: Final[Mapping[str, Callable[[_Source], AsyncIterator[bytes]]]] = {
    "jpeg": _jpeg,
    "png": _png,
    "webp": _webp,
}
"""Family of content → what takes away what is no picture."""
