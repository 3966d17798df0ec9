"""If these fail, people are led out of the platform, or kept from speaking of it."""

import random

import pytest

from chatd.domain.content.contact_data import MASK, Found, contact_data, masked

ELSEWHERE = (
    "anna.b@example.org",
    "anna (at) example.org",
    "anna [at] example [dot] org",
    "@anna_92",
    "wa.me/491711234567",
    "t.me/annab",
    "instagram.com/annab",
)

NOTHING = (
    "email me",
    "meet at (at) noon",
    "@override",
    "@media print { }",
    "a@b",
    "Instagram is banned here",
    "Telegram: a short history of the telegram",
    "The line is straight, the snap is loud",
    "https://example.org/instagram.com",
)


@pytest.mark.parametrize("where", ELSEWHERE)
def test_addresses_and_handles(where: str) -> None:
    """A stranger could ask a student to go on where nobody watches (TUT-25)."""
    text = f"write to {where} please"
    (found,) = contact_data(text)
    assert text[found.start : found.end].startswith(where)
    assert found.sort == "social"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("insta: annab", "annab"),
        ("my insta is anna_92", "anna_92"),
        ("Snapchat anna.b92", "anna.b92"),
        ("discord: foo_bar and so on", "foo_bar"),
    ],
)
def test_names_beside_the_name_of_a_platform(text: str, name: str) -> None:
    """A handle without its at sign would be no handle."""
    (found,) = contact_data(text)
    assert (text[found.start : found.end], found.sort) == (name, "social")


@pytest.mark.parametrize("text", NOTHING)
def test_what_only_looks_alike(text: str) -> None:
    """A lesson on programs, or on the telegraph, would be held back."""
    assert contact_data(text) == ()


def test_both_sorts_in_order_and_never_twice() -> None:
    """What is masked would be cut at the wrong places (TUT-26)."""
    text = "wa.me/491711234567 or 0171 2345678, a@example.org"
    found = contact_data(text)
    assert [one.sort for one in found] == ["social", "phone", "social"]
    assert masked(text, found) == f"{MASK} or {MASK}, {MASK}"


def test_masking_leaves_nothing_and_adds_nothing() -> None:
    """A part of a number would be left, or the mask be masked again at an edit."""
    text = "0171 2345678 @anna_92 insta: anna.b9"
    once = masked(text, contact_data(text))
    assert once == f"{MASK} {MASK} insta: {MASK}"
    assert contact_data(once) == ()
    assert masked("nothing", ()) == "nothing"
    assert masked("ab", [Found(0, 2, "phone")]) == MASK


def test_hostile_texts_end() -> None:
    """One text could stop everybody's messages: a pattern that goes back and forth
    would not be through with these before the suite is given up."""
    units = ["@", "@a", "a@", "a.", "a@a.", "insta ", "insta:", "ig is ", "a (at) "]
    units += ["[at] ", "www.", "x.com/", "a(at)b(dot)", "wa.me", "_", "1", "+", " "]
    chance = random.Random(25)
    texts = [unit * (64_000 // len(unit)) for unit in units]
    texts += ["".join(chance.choices(units, k=16_000)) for _ in range(20)]
    for text in texts:
        end = 0
        for found in contact_data(text):
            assert end <= found.start < found.end <= len(text)
            end = found.end
