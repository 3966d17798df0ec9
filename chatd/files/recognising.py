"""Tells what a file is from its first bytes.

Own signatures where one is exact; puremagic's where a format has many beginnings. It
is never asked alone: a name must have promised the kind first.
"""

import codecs
from collections.abc import Mapping
from typing import Final

import puremagic

HEAD_BYTES: Final = 8 * 1024
"""What is looked at: beyond the longest signature, and enough of a text."""

_SIGNATURES: Final[Mapping[str, tuple[bytes, ...]]] = {
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpeg": (b"\xff\xd8\xff",),
    "gif": (b"GIF87a", b"GIF89a"),
    "pdf": (b"%PDF-",),
    "rtf": (b"{\\rtf",),
    # With and without anything in it.
    "zip": (b"PK\x03\x04", b"PK\x05\x06"),
    "ole": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",),
}

# Forms of RIFF, named behind the length.
_FORMS: Final[Mapping[str, bytes]] = {"webp": b"WEBP", "wav": b"WAVE"}

# What puremagic may call the content of each family.
_CALLED: Final[Mapping[str, frozenset[str]]] = {
    "heic": frozenset({".heic", ".heif"}),
    "bmp": frozenset({".bmp"}),
    "tiff": frozenset({".tif", ".tiff"}),
    "mp3": frozenset({".mp3", ".mpga"}),
    "mp4": frozenset({".mp4", ".m4a", ".m4v", ".mov", ".3gp", ".f4v"}),
    "ogg": frozenset({".ogg", ".oga", ".opus"}),
    "flac": frozenset({".flac"}),
    "webm": frozenset({".webm"}),
}

_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CONTROLS: Final = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b"))


def fits(family: str, head: bytes) -> bool:
    """Whether content that begins so is of this family."""
    if family == "text":
        return _is_text(head)
    if family in _SIGNATURES:
        return head.startswith(_SIGNATURES[family])
    if family in _FORMS:
        return head[:4] == b"RIFF" and head[8:12] == _FORMS[family]
    try:
        found = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return False
    return any(one.extension in _CALLED[family] for one in found)


def _is_text(head: bytes) -> bool:
    """Text in UTF-16 says so; in any other encoding it has no control characters."""
    return head.startswith(_MARKS) or len(head.translate(None, _CONTROLS)) == len(head)
