"""What policy makes of a text that tells how to reach somebody elsewhere (TUT-26)."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from chatd.domain.content.contact_data import Sort, contact_data, masked
from chatd.domain.policy import Pii

Treatment = Literal["warn_sender", "mask", "hold", "block"]

_MILDEST_FIRST: Final[tuple[Treatment, ...]] = get_args(Treatment)


@dataclass(frozen=True, slots=True)
class Screened:
    """A text with contact data in it, as policy has it.

    Attributes:
        text: what may be stored: without what is to be masked.
        treatment: the strictest of what the policy says of what was found.
        sorts: what was found and not allowed, each once.
        flag: moderators are to be told.
    """

    text: str
    treatment: Treatment
    sorts: tuple[Sort, ...]
    flag: bool


def screen(pii: Pii, text: str | None) -> Screened | None:
    """What becomes of a text; none when there is nothing to say against it."""
    rules: dict[Sort, Treatment] = {}
    if pii.phone != "allow":
        rules["phone"] = pii.phone
    if pii.social != "allow":
        rules["social"] = pii.social
    if text is None or not rules:
        return None
    found = [one for one in contact_data(text) if one.sort in rules]
    if not found:
        return None
    sorts = tuple(dict.fromkeys(one.sort for one in found))
    strictest = max((rules[sort] for sort in sorts), key=_MILDEST_FIRST.index)
    away = [one for one in found if rules[one.sort] == "mask"]
    return Screened(masked(text, away), strictest, sorts, pii.flag)
