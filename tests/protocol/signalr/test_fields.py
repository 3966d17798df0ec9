"""The bounds and leniencies that both encodings share."""

from collections.abc import Callable

import pytest

from chatd_protocol.signalr import RemoteProtocolError, fields

LONGEST_ID = "i" * fields.ID_CHARS_MAX
LONGEST_TARGET = "t" * fields.TARGET_CHARS_MAX


@pytest.mark.parametrize(
    ("check", "value", "expected"),
    [
        (fields.identifier, LONGEST_ID, LONGEST_ID),
        (fields.optional_identifier, None, None),
        (fields.optional_identifier, "", None),
        (fields.target, LONGEST_TARGET, LONGEST_TARGET),
        (fields.stream_ids, None, ()),
        (fields.stream_ids, ["1", "2"], ("1", "2")),
        (fields.headers, None, None),
        (fields.headers, {}, None),
        (fields.headers, {"a": "b"}, {"a": "b"}),
        (fields.flag, None, False),
        (fields.sequence_id, fields.SEQUENCE_ID_MAX, fields.SEQUENCE_ID_MAX),
        (fields.message_type, 99, 99),
    ],
)
def test_accepted(
    check: Callable[[object], object], value: object, expected: object
) -> None:
    """A shipped client's way of writing a field would cost it the connection."""
    assert check(value) == expected


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (fields.identifier, None),
        (fields.identifier, ""),
        (fields.identifier, LONGEST_ID + "i"),
        (fields.optional_identifier, 7),
        (fields.target, ""),
        (fields.target, LONGEST_TARGET + "t"),
        (fields.arguments, None),
        (fields.stream_ids, [""]),
        (fields.stream_ids, {}),
        (fields.headers, []),
        (fields.headers, {"a": None}),
        (fields.headers, {1: "a"}),
        (fields.error_text, 1),
        (fields.flag, 1),
        (fields.sequence_id, -1),
        (fields.sequence_id, True),
        (fields.sequence_id, fields.SEQUENCE_ID_MAX + 1),
        (fields.message_type, True),
        (fields.message_type, None),
    ],
)
def test_refused(check: Callable[[object], object], value: object) -> None:
    """A field of the wrong kind would travel on into the server."""
    with pytest.raises(RemoteProtocolError):
        check(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), (1,)])
def test_a_tree_holds_only_plain_values(value: object) -> None:
    """A number that JSON cannot carry would be stored, and poison its readers."""
    with pytest.raises(RemoteProtocolError):
        fields.check_tree([1, {"a": [value]}])


def test_a_tree_has_a_depth() -> None:
    """Code that recurses over a message would run out of stack."""
    tree: list[object] = []
    for _ in range(fields.NESTING_MAX - 1):
        tree = [tree]
    fields.check_tree(tree)
    with pytest.raises(RemoteProtocolError):
        fields.check_tree([tree])
