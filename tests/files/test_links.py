"""If these fail, a link can be made up, or works for longer than a minute."""

from dataclasses import replace

import pytest

from chatd.files.links import LINK_S, Link, Links

LINKS = Links(b"x" * 32)
LINK = Link("school", "ann", "file-1", issued_ms=1_000)


def test_a_link_says_what_was_sealed() -> None:
    """A picture would not be shown to who may see it."""
    assert LINKS.open(LINKS.seal(LINK), 1_000) == LINK
    assert LINKS.open(LINKS.seal(LINK), 1_000 + LINK_S * 1000 - 1) == LINK


def test_a_minute_is_all() -> None:
    """Who was passed the address later would see the picture (SPEC, Files)."""
    assert LINKS.open(LINKS.seal(LINK), 1_000 + LINK_S * 1000) is None
    assert LINKS.open(LINKS.seal(LINK), 999) is None


@pytest.mark.parametrize("text", ["", "x", "é", "=" * 9, "A" * 100, "..", "a b"])
def test_made_up_links(text: str) -> None:
    """Anybody could fetch anything, or the server would fail."""
    assert LINKS.open(text, 1_000) is None


def test_changed_links() -> None:
    """A link to one file would open another, or stay good for ever."""
    sealed = LINKS.seal(LINK)
    for at in range(len(sealed)):
        other = "A" if sealed[at] != "A" else "B"
        opened = LINKS.open(sealed[:at] + other + sealed[at + 1 :], 1_000)
        # The last character has bits that belong to no byte.
        assert opened is None or (opened == LINK and at == len(sealed) - 1)


def test_another_installation() -> None:
    """Somebody who runs a server of his own could open ours."""
    assert replace(LINKS, secret=b"y" * 32).open(LINKS.seal(LINK), 1_000) is None
