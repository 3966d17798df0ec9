"""The shared test vectors as Python values, and ways to cut bytes."""

import json
from collections.abc import Iterator
from pathlib import Path

from chatd_protocol.signalr import (
    NO_RESULT,
    Ack,
    CancelInvocation,
    Close,
    Completion,
    Decoder,
    HubMessage,
    Invocation,
    Oversized,
    Ping,
    Sequence,
    StreamInvocation,
    StreamItem,
)

FOLDER = Path(__file__).resolve().parents[3] / "protocol" / "vectors"


def rows(name: str) -> list[dict]:
    """The rows of one vector file."""
    text = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def row_id(row: dict) -> str:
    return f"{row.get('codec', '')} {row['name']}".strip()


def row_bytes(row: dict) -> bytes:
    """The bytes of a row that has `text` or `hex`."""
    return row["text"].encode() if "text" in row else bytes.fromhex(row["hex"])


def message_of(value: dict) -> HubMessage:
    """A row's `message` as the value that a decoder returns."""
    members = dict(value)
    kind = members.pop("type")
    renamed = {
        "invocationId": "invocation_id",
        "streamIds": "stream_ids",
        "allowReconnect": "allow_reconnect",
        "sequenceId": "sequence_id",
    }
    members = {renamed.get(name, name): value for name, value in members.items()}
    if "stream_ids" in members:
        members["stream_ids"] = tuple(members["stream_ids"])
    kinds: dict[str, type] = {
        "invocation": Invocation,
        "streamInvocation": StreamInvocation,
        "streamItem": StreamItem,
        "completion": Completion,
        "cancelInvocation": CancelInvocation,
        "ping": Ping,
        "close": Close,
        "ack": Ack,
        "sequence": Sequence,
    }
    message: HubMessage = kinds[kind](**members)
    return message


def cuts(data: bytes) -> Iterator[tuple[bytes, ...]]:
    """`data` whole, in single bytes, and cut in two at every boundary."""
    yield (data,)
    yield tuple(bytes([byte]) for byte in data)
    for at in range(1, len(data)):
        yield data[:at], data[at:]


def read_all(decoder: Decoder, *pieces: bytes) -> list[HubMessage | Oversized]:
    """Every message that comes out of feeding `pieces` one after the other."""
    found = []
    for piece in pieces:
        decoder.feed(piece)
        while (message := decoder.next()) is not None:
            found.append(message)
    return found


__all__ = ["NO_RESULT", "cuts", "message_of", "read_all", "row_bytes", "row_id", "rows"]
