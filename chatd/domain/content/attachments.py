"""Files of messages: how a name is kept, and which kinds of file may be sent.

Both the name and the content must be of the same allowed kind. What a browser would run
(HTML, SVG, scripts) and what a computer would run is on no list; an allowed file is
still handed out so that nothing in it is run (see `chatd.api.attachments`).
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

NAME_BYTES_MAX: Final = 255
"""The longest name that the usual file systems take."""

NAMELESS: Final = "file"

MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: its media type, and which family its content must be of."""

    media_type: str
    family: str


@dataclass(frozen=True, slots=True)
class AttachmentRecord:
    """A file's row. `message_id` is None while it waits to be sent.

    `blob` is the key of its bytes; forwarded copies have the same. `width` and `height`
    are known of pictures that were decoded whole, and of nothing else.
    """

    id: str
    uploader_id: str
    blob: str
    name: str
    media_type: str
    size: int
    created_at_ms: int
    alt: str | None = None
    width: int | None = None
    height: int | None = None
    thumbnail: bool = False
    message_id: str | None = None


_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
_OPEN: Final = "application/vnd.oasis.opendocument"

# Extensions, media type, family of content.
_ROWS: Final = (
    ("png", "image/png", "png"),
    ("jpg jpeg jfif", "image/jpeg", "jpeg"),
    ("gif", "image/gif", "gif"),
    ("webp", "image/webp", "webp"),
    ("heic heif", "image/heic", "heic"),
    ("bmp", "image/bmp", "bmp"),
    ("tif tiff", "image/tiff", "tiff"),
    ("pdf", "application/pdf", "pdf"),
    ("rtf", "application/rtf", "rtf"),
    ("txt md log srt", "text/plain", "text"),
    ("csv", "text/csv", "text"),
    ("ics", "text/calendar", "text"),
    ("docx", f"{_OFFICE}.wordprocessingml.document", "zip"),
    ("xlsx", f"{_OFFICE}.spreadsheetml.sheet", "zip"),
    ("pptx", f"{_OFFICE}.presentationml.presentation", "zip"),
    ("ppsx", f"{_OFFICE}.presentationml.slideshow", "zip"),
    ("odt", f"{_OPEN}.text", "zip"),
    ("ods", f"{_OPEN}.spreadsheet", "zip"),
    ("odp", f"{_OPEN}.presentation", "zip"),
    ("epub", "application/epub+zip", "zip"),
    ("ggb", "application/vnd.geogebra.file", "zip"),
    ("zip", "application/zip", "zip"),
    ("doc", "application/msword", "ole"),
    ("xls", "application/vnd.ms-excel", "ole"),
    ("ppt pps", "application/vnd.ms-powerpoint", "ole"),
    ("mp3", "audio/mpeg", "mp3"),
    ("m4a", "audio/mp4", "mp4"),
    ("wav", "audio/wav", "wav"),
    ("ogg oga opus", "audio/ogg", "ogg"),
    ("flac", "audio/flac", "flac"),
    ("mp4 m4v", "video/mp4", "mp4"),
    ("mov", "video/quicktime", "mp4"),
    ("webm", "video/webm", "webm"),
)

KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        extension: Kind(media_type, family)
        for extensions, media_type, family in _ROWS
        for extension in extensions.split()
    }
)
"""Every extension whose files may be sent; itslearning names none that we could keep
to (ITS-59), so these are the formats that schools hand in and hand out."""

PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Shown in place, once decoded: what every browser renders and our worker reads."""

# Characters that turn or hide the rest of a name, or end a header.
_MISLEADING: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})


def clean_name(name: str) -> str:
    """A name as it is kept and shown: the last part of a path, made of what is seen.

    Files lie under keys of our own; a name never becomes a path here, and must not
    become a harmful one on the computer of whoever downloads it.
    """
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    seen = "".join(c for c in last if unicodedata.category(c) not in _MISLEADING)
    shown = " ".join(seen.split()).strip(" .")
    stem, dot, extension = shown.rpartition(".")
    room = NAME_BYTES_MAX - len(dot.encode()) - len(extension.encode())
    if not stem or room < 1:
        return _cut(shown, NAME_BYTES_MAX) or NAMELESS
    return f"{_cut(stem, room)}{dot}{extension}"


def _cut(text: str, bytes_max: int) -> str:
    return text.encode()[:bytes_max].decode(errors="ignore").strip(" .")


def kind_of(name: str) -> Kind | None:
    """What a file of this (clean) name has to be; `None` when it may not be sent."""
    _, dot, extension = name.rpartition(".")
    return KINDS.get(extension.casefold()) if dot else None
