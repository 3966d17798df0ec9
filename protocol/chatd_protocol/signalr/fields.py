"""Checks of single message fields, the same for both encodings.

A codec takes a message apart; these functions say whether each part is what the
protocol promises. They accept what shipped clients are known to send (an empty or null
id for "no id", null where a field may be absent) and refuse everything else with
`RemoteProtocolError`. They also hold the bounds on what is echoed or used as a key.
"""

from collections.abc import Mapping
from math import isfinite
from typing import Final

from chatd_protocol.signalr.errors import RemoteProtocolError

ID_CHARS_MAX: Final = 128
"""Ids are dictionary keys and are echoed; every known client uses 36 or fewer."""

TARGET_CHARS_MAX: Final = 256
"""A method name is echoed in error texts; no sensible one comes near this."""

NESTING_MAX: Final = 64
"""Levels of arrays and objects in one message, the message itself included: what the
reference server's JSON reader allows by default."""

SEQUENCE_ID_MAX: Final = 2**63 - 1


def identifier(value: object) -> str:
    """The id of a message that must have one."""
    found = optional_identifier(value)
    if found is None:
        raise RemoteProtocolError("invocationId is missing.")
    return found


def optional_identifier(value: object) -> str | None:
    """The id of a message that may go without; null and "" both mean none."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise RemoteProtocolError("invocationId is not a string.")
    if len(value) > ID_CHARS_MAX:
        raise RemoteProtocolError("invocationId is too long.")
    return value


def target(value: object) -> str:
    """The name of the method to call."""
    if not isinstance(value, str) or not value:
        raise RemoteProtocolError("target is missing or not a string.")
    if len(value) > TARGET_CHARS_MAX:
        raise RemoteProtocolError("target is too long.")
    return value


def arguments(value: object) -> list[object]:
    """The arguments of a call; unlike other fields they may not be left out."""
    if not isinstance(value, list):
        raise RemoteProtocolError("arguments is missing or not an array.")
    return value


def stream_ids(value: object) -> tuple[str, ...]:
    """The ids of the streams that the caller will upload."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise RemoteProtocolError("streamIds is not an array.")
    return tuple([identifier(item) for item in value])


def headers(value: object) -> Mapping[str, str] | None:
    """Message headers; an empty map is the same as none."""
    if not value and (value is None or isinstance(value, dict)):
        return None
    if not isinstance(value, dict):
        raise RemoteProtocolError("headers is not a map.")
    for name, text in value.items():
        if not isinstance(name, str) or not isinstance(text, str):
            raise RemoteProtocolError("headers holds something other than strings.")
    return value


def error_text(value: object) -> str | None:
    """The error of a completion or a close."""
    if value is not None and not isinstance(value, str):
        raise RemoteProtocolError("error is not a string.")
    return value


def flag(value: object) -> bool:
    """`allowReconnect`, where absent and null mean false."""
    if value is None:
        return False
    if not isinstance(value, bool):
        raise RemoteProtocolError("allowReconnect is not a boolean.")
    return value


def sequence_id(value: object) -> int:
    """The number in an Ack or a Sequence."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise RemoteProtocolError("sequenceId is missing or not an integer.")
    if not 0 <= value <= SEQUENCE_ID_MAX:
        raise RemoteProtocolError("sequenceId is out of range.")
    return value


def message_type(value: object) -> int:
    """The number that says what the message is; it may be one we do not know."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise RemoteProtocolError("type is missing or not an integer.")
    return value


def check_tree(root: list[object] | dict[str, object]) -> None:
    """Refuse a decoded message that is nested too deeply or holds a foreign value.

    Walks level by level, without recursion. Foreign are numbers that JSON cannot carry
    (NaN and the infinities, which would poison whatever stores them) and anything that
    is not one of JSON's kinds of value or bytes.
    """
    level: list[object] = [root]
    depth = 0
    while level:
        depth += 1
        if depth > NESTING_MAX:
            raise RemoteProtocolError("The message is nested too deeply.")
        below: list[object] = []
        for node in level:
            for value in node.values() if isinstance(node, dict) else _items(node):
                _check_value(value, below)
        level = below


def _items(node: object) -> list[object]:
    return node if isinstance(node, list) else []


def _check_value(value: object, below: list[object]) -> None:
    kind = type(value)
    if kind is dict or kind is list:
        below.append(value)
    elif kind is float:
        if not isfinite(value):  # type: ignore[arg-type]  # narrowed by its exact type
            raise RemoteProtocolError("A number is not finite.")
    elif kind not in _PLAIN:
        raise RemoteProtocolError("Extension types are not accepted.")


_PLAIN: Final = frozenset({str, int, bool, bytes, type(None)})
