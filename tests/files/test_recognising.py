"""If these fail, a file's name decides what it is."""

import pytest

from chatd.files.recognising import fits
from tests.support.files import archive, picture

REAL = {
    "png": picture("PNG"),
    "jpeg": picture("JPEG"),
    "gif": picture("GIF"),
    "webp": picture("WEBP"),
    "bmp": picture("BMP"),
    "tiff": picture("TIFF"),
    "heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    "pdf": b"%PDF-1.7\n%\xe2\xe3\n",
    "rtf": b"{\\rtf1\\ansi hello}",
    "text": "Grüße, 你好\n".encode(),
    "zip": archive(a="b"),
    "ole": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
    "mp3": b"ID3\x03\0\0\0\0\0\0" + bytes(100),
    "wav": b"RIFF\x24\0\0\0WAVEfmt " + bytes(40),
    "ogg": b"OggS\0\2" + bytes(100),
    "flac": b"fLaC\0\0\0\x22" + bytes(100),
    "mp4": b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41" + bytes(100),
    "webm": b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81"
    b"\x04B\xf3\x81\x08B\x82\x84webm" + bytes(100),
}
HOSTILE = {
    "an executable": b"MZ\x90\0\x03\0\0\0" + bytes(300),
    "a program": b"\x7fELF\2\1\1" + bytes(100),
    "nothing": b"",
}


@pytest.mark.parametrize("family", REAL)
def test_real_files_fit_their_own_family(family: str) -> None:
    """An honest file would be refused (ITS-59)."""
    assert fits(family, REAL[family])


@pytest.mark.parametrize("family", REAL)
@pytest.mark.parametrize("content", HOSTILE)
def test_hostile_content_fits_none(family: str, content: str) -> None:
    """A program would pass under the name of a document."""
    if (family, content) != ("text", "nothing"):
        assert not fits(family, HOSTILE[content])


@pytest.mark.parametrize("family", sorted(REAL.keys() - {"text"}))
def test_markup_is_no_other_kind(family: str) -> None:
    """A page with a script would be handed out as a picture or a document."""
    assert not fits(family, b"<svg xmlns='http://www.w3.org/2000/svg'><script>")
    assert not fits(family, b"<!doctype html><script>alert(1)</script>")


@pytest.mark.parametrize("family", sorted(REAL.keys() - {"rtf", "pdf"}))
def test_families_are_told_apart(family: str) -> None:
    """A file of one kind would be taken for another (`rtf` and `pdf` are text too)."""
    others = {one for one in REAL if one != family and fits(one, REAL[family])}
    assert others == set()


def test_text_of_any_encoding() -> None:
    """Notes from an old editor would be refused."""
    assert fits("text", "Grüße".encode("latin-1"))
    assert fits("text", "你好".encode("gb18030"))
    assert fits("text", "Grüße".encode("utf-16"))
