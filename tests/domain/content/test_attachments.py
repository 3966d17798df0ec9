"""If these fail, a file gets in by its name, or its name does harm."""

import pytest

from chatd.domain.content.attachments import KINDS, PICTURES, clean_name, kind_of


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("homework.pdf", "homework.pdf"),
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\ann\\notes.txt", "notes.txt"),
        ("/absolute.png", "absolute.png"),
        ("photo\u202egnp.exe", "photognp.exe"),
        ("a\r\nSet-Cookie: x.txt", "aSet-Cookie: x.txt"),
        ("nul\0l.txt", "null.txt"),
        ("trailing.txt. . ", "trailing.txt"),
        ("  many   spaces .txt", "many spaces.txt"),
        ("e\u0301te\u0301.png", "\u00e9t\u00e9.png"),
        ("数学 宿題.docx", "数学 宿題.docx"),
        ("", "file"),
        ("...", "file"),
        ("\u200b", "file"),
        ("dir/", "file"),
        (".htaccess", "htaccess"),
    ],
)
def test_names(given: str, kept: str) -> None:
    """A name would be a path, turn the reader's eye, or end a header."""
    assert clean_name(given) == kept


def test_long_names_keep_their_extension() -> None:
    """A cut name would say that a file is of another kind, or of none."""
    kept = clean_name("宿" * 5_000 + ".pdf")
    assert kept.endswith(".pdf")
    assert len(kept.encode()) <= 255
    assert len(clean_name("x." + "y" * 10_000).encode()) <= 255


@pytest.mark.parametrize(
    "name",
    ["a.exe", "a.svg", "a.html", "a.js", "a.docm", "noextension", "a.pdf.exe", "a."],
)
def test_what_could_run_is_not_sent(name: str) -> None:
    """Something that runs would be handed from pupil to pupil (ITS-59)."""
    assert kind_of(name) is None


def test_kinds_are_found_in_any_case() -> None:
    """A camera's `IMG_1.JPG` would be refused."""
    found = kind_of("IMG_1.JPG")
    assert found is not None
    assert found.media_type == "image/jpeg"


def test_pictures_are_allowed_kinds() -> None:
    """What is shown in place could not be sent at all."""
    assert {kind.media_type for kind in KINDS.values()} >= PICTURES
