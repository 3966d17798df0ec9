"""If these fail, whoever mistypes a setting is told a riddle."""

from typing import Annotated, Literal

import msgspec
import pytest

from chatd.config.wording import meant, worded

CASES = [
    (Annotated[int, msgspec.Meta(le=9)], 10, "port: at most 9"),
    (Annotated[int, msgspec.Meta(ge=1)], 0, "port: at least 1"),
    (int, "x", "port: needs a whole number"),
    (int | None, "x", "port: needs a whole number"),
    (bool, "maybe", "port: needs true or false"),
    (tuple[str, ...], "x", "port: needs a list"),
    (str, 5, "port: needs a text"),
    (Literal["a"], "b", "port: b is not one of these"),
    (tuple[int, ...], [1, "x"], "port[1]: needs a whole number"),
    (dict[str, int], {"a": "x"}, "port[...]: needs a whole number"),
]


@pytest.mark.parametrize(("wanted", "given", "sentence"), CASES)
def test_what_is_said(wanted: type, given: object, sentence: str) -> None:
    """An operator would have to know the library that we read settings with."""
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.convert(given, wanted, strict=isinstance(given, int))
    assert worded(str(error.value), "port") == sentence


class Row(msgspec.Struct, forbid_unknown_fields=True):
    iss: str


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "issuers[0]: iss is missing"),
        ({"iss": "a", "isss": 1}, "issuers[0]: isss: no such key"),
        ({"iss": 1}, "issuers[0].iss: needs a text"),
    ],
)
def test_where_it_is(given: object, sentence: str) -> None:
    """Of ten issuers nobody would know which one is wrong."""
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.convert([given], tuple[Row, ...])
    assert worded(str(error.value), "issuers") == sentence


def test_what_was_meant() -> None:
    """A letter too few would cost a look into the manual."""
    assert meant("prot", ["port", "host"]) == "; did you mean port?"
    assert meant("recipient", ["recipients"]) == "; did you mean recipients?"
    assert meant("zebra", ["port", "host"]) == ""
