"""The vectors in the hands of the official JavaScript client's own codecs.

Only values that JavaScript's numbers can hold are compared.
"""

import json
import subprocess
from pathlib import Path

import pytest

from chatd_protocol.signalr import CODECS, MessageType
from tests.protocol.signalr.vectors import message_of, read_all, row_id, rows

SCRIPT = Path(__file__).with_name("js") / "vectors.mjs"
BEYOND_JAVASCRIPT = {
    "invocation with every kind of value",
    "sequence with the largest number",
}
# The client's MessagePack codec reads no stream ids, which nobody sends it, and writes
# an empty error as none and every Close without its reason, which it never needs.
NOT_KEPT = {
    "invocation with an upload stream",
    "completion with an empty error",
    "close with a reason and an invitation",
}
WRITTEN = [
    row
    for row in rows("messages")
    if row.get("only") != "read" and row["name"] not in BEYOND_JAVASCRIPT | NOT_KEPT
]
# Types that only clients send: a client's codec does not read them, and writes no Ping
# or Close of its own.
NOT_READ = {"streamInvocation", "cancelInvocation"}


def javascript_value(row: dict) -> dict:
    """The message as the JavaScript client's interfaces name its members."""
    value = dict(row["message"])
    name = value["type"]
    number = MessageType[
        "".join("_" + c if c.isupper() else c.upper() for c in name)
    ].value
    value["type"] = number
    if name in {"invocation", "streamInvocation"}:
        value.setdefault("streamIds", [])
    return value


@pytest.fixture(scope="module")
def answers() -> dict[str, dict]:
    """What the JavaScript codecs made of every row, by the row's name."""
    asked = [
        {
            "json": row["json"],
            "messagepack": row["messagepack"],
            "value": javascript_value(row),
        }
        for row in WRITTEN
    ]
    ran = subprocess.run(
        ["node", str(SCRIPT)],
        input=json.dumps(asked),
        capture_output=True,
        check=True,
        text=True,
        timeout=240,
    )
    found = json.loads(ran.stdout)
    return {row["name"]: answer for row, answer in zip(WRITTEN, found, strict=True)}


def normal(value: dict) -> dict:
    """A message without what is empty, which the client's codecs fill in or leave."""
    empty: tuple[object, ...] = (None, [], {}, False)
    kept = {"item", "result", "arguments"}
    return {
        name: item
        for name, item in value.items()
        if name in kept or item is True or item not in empty
    }


@pytest.mark.parametrize("form", ["readJson", "readMessagePack"])
@pytest.mark.parametrize("row", WRITTEN, ids=row_id)
def test_it_reads_what_we_write(row: dict, form: str, answers: dict) -> None:
    """Browsers could not understand the server."""
    if row["message"]["type"] in NOT_READ:
        return
    read = answers[row["name"]][form]
    expected = normal(javascript_value(row))
    assert isinstance(read, list), read
    (message,) = read
    found = normal(message)
    if row["message"]["type"] == "completion" and "result" not in expected:
        assert found.pop("result", None) is None
    assert {name: found.get(name) for name in expected} == expected


@pytest.mark.parametrize("row", WRITTEN, ids=row_id)
def test_we_read_what_it_writes(row: dict, answers: dict) -> None:
    """The server could not understand browsers."""
    answer = answers[row["name"]]
    expected = [message_of(row["message"])]
    json_text = answer["writtenJson"].encode()
    assert read_all(CODECS["json"].decoder(10_000), json_text) == expected
    packed = answer["writtenMessagePack"]
    assert isinstance(packed, str), packed
    data = bytes.fromhex(packed)
    assert read_all(CODECS["messagepack"].decoder(10_000), data) == expected
