"""If these fail, a school's rule for contact data is not what becomes of a text."""

import pytest

from chatd.domain.content.contact_data import MASK
from chatd.domain.content.screening import Screened, screen
from chatd.domain.policy import Pii
from chatd.domain.presets import PRESETS

PHONE = "call 0171 2345678"
BOTH = "call 0171 2345678 or @anna_92"


def test_the_platforms() -> None:
    """Tutoring warns and tells its team; the others look at nothing (TUT-26)."""
    found = screen(PRESETS["tutoring"].pii, BOTH)
    assert found == Screened(BOTH, "warn_sender", ("phone", "social"), flag=True)
    for name in PRESETS.keys() - {"tutoring"}:
        assert screen(PRESETS[name].pii, BOTH) is None


@pytest.mark.parametrize("treatment", ["warn_sender", "hold", "block"])
def test_one_sort_alone(treatment: str) -> None:
    """A rule for phone numbers would hold for handles, or for nothing."""
    found = screen(Pii(phone=treatment), BOTH)  # type: ignore[arg-type]
    assert found is not None
    assert (found.treatment, found.sorts, found.text) == (treatment, ("phone",), BOTH)
    assert screen(Pii(social=treatment), PHONE) is None  # type: ignore[arg-type]


def test_the_strictest_decides_and_masks_still_mask() -> None:
    """What is to be masked would be told to the moderator, or be said in the end."""
    found = screen(Pii(phone="mask", social="hold"), BOTH)
    assert found is not None
    assert found.treatment == "hold"
    assert found.text == f"call {MASK} or @anna_92"
    masked = screen(Pii(phone="mask", social="allow"), BOTH)
    assert masked is not None
    assert (masked.treatment, masked.sorts) == ("mask", ("phone",))


def test_nothing_to_say() -> None:
    """Every message would be flagged."""
    strict = Pii(phone="block", social="block", flag=True)
    assert screen(strict, None) is None
    assert screen(strict, "see chapter 12, page 345") is None
