"""RFC 6455 clause by clause, by raw bytes against the running server.

Equivalent to the cases 1 to 7 and 10 of the Autobahn test suite. That suite wants a
server that echoes WebSocket messages; here the messages are hub messages and the hub's
method `Echo` does it, so every row passes through the whole server. Each row names the
section of the RFC that it proves.
"""

import struct
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import msgspec
import pytest
import pytest_asyncio

from tests.signalr.raw import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Raw,
    call,
    dial_socket,
    frame,
)
from tests.signalr.sample import Sample, sample_server

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROTOCOL_ERROR, INVALID_DATA, POLICY, TOO_BIG = 1002, 1007, 1008, 1009
MESSAGE_BYTES_MAX = 64 * 1024
FRAGMENTS_MAX = 100
NO_CODE = 1005
"""What 7.1.5 calls a close without one."""

FIRST, LAST = 98, 99
"""Calls before and behind a row's own bytes."""


@dataclass(frozen=True)
class Case:
    """`sent` leads to `pongs`, in order, and to an answer to its call, `echoed`.

    With `closed` the server says this code and closes; without, the connection goes on.
    `chop` is how many bytes are written at a time; 0 writes everything at once. With
    `greeted` a call has been answered before.
    """

    proves: str
    sent: bytes
    pongs: tuple[bytes, ...] = ()
    echoed: str | None = None
    closed: int | None = None
    chop: int = 0
    greeted: bool = False


def echo(number: int, text: str) -> bytes:
    """A whole hub message that calls `Echo`, without a frame."""
    head = f'{{"type":1,"invocationId":"{number}","target":"Echo","arguments":["'
    return head.encode() + text.encode() + b'"]}\x1e'


def sized(size: int) -> bytes:
    """A hub message of exactly so many bytes that gets an answer."""
    return echo(1, "x" * (size - len(echo(1, ""))))


def fragments(opcode: int, *parts: bytes) -> bytes:
    """One message as fragments."""
    return b"".join(
        frame(CONTINUATION if at else opcode, part, fin=at == len(parts) - 1)
        for at, part in enumerate(parts)
    )


def cut(message: bytes, size: int) -> list[bytes]:
    return [message[start : start + size] for start in range(0, len(message), size)]


def close(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, struct.pack("!H", code) + reason)


def unmasked(opcode: int, payload: bytes) -> bytes:
    return bytes([0x80 | opcode, len(payload)]) + payload


def reserved(bits: int, opcode: int, payload: bytes = b"") -> bytes:
    plain = frame(opcode, payload)
    return bytes([plain[0] | bits << 4]) + plain[1:]


HELLO = echo(1, "hello")


def framing() -> Iterator[Case]:
    """Autobahn 1: payload lengths, text and binary, whole and chopped."""
    for name, opcode in (("text", TEXT), ("binary", BINARY)):
        yield Case(f"5.6 an empty {name} message", frame(opcode))
        for size in (125, 126, 127, 128, 4096, 65535, 65536):
            text = sized(size)[len(echo(1, "")) - 4 : -4].decode()
            sent = frame(opcode, sized(size))
            for chop in (0, 997):
                yield Case(
                    f"5.2 {name} of {size} bytes, {chop or 'not'} chopped",
                    sent,
                    echoed=text,
                    chop=chop,
                )
    yield Case("5.3 an unmasked frame", unmasked(TEXT, HELLO), closed=PROTOCOL_ERROR)
    masked = bytearray(frame(TEXT, HELLO))
    masked[-len(HELLO) - 4 :] = b"abcd" + bytes(
        byte ^ b"abcd"[at % 4] for at, byte in enumerate(HELLO)
    )
    yield Case("5.3 a mask that is not zero", bytes(masked), echoed="hello")
    huge = bytes([0x81, 0xFF]) + struct.pack("!Q", 2**63) + bytes(4)
    yield Case("5.2 a length with the highest bit", huge, closed=TOO_BIG)


def pings() -> Iterator[Case]:
    """Autobahn 2: pings and pongs."""
    full = bytes(range(125))
    for name, payload in (
        ("nothing", b""),
        ("text", b"Hello, world!"),
        ("bytes that are no text", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"),
        ("125 bytes", full),
    ):
        yield Case(f"5.5.2 a ping with {name}", frame(PING, payload), pongs=(payload,))
    yield Case("5.5 a ping of 126", frame(PING, b"x" * 126), closed=PROTOCOL_ERROR)
    yield Case("5.5.2 a ping byte by byte", frame(PING, full), pongs=(full,), chop=1)
    yield Case("5.5.3 a pong that nobody asked for", frame(PONG))
    yield Case("5.5.3 such a pong with a payload", frame(PONG, b"unsolicited"))
    yield Case(
        "5.5.3 such a pong and a ping", frame(PONG, b"no") + frame(PING, b"1"), (b"1",)
    )
    ten = tuple(b"payload-%d" % number for number in range(10))
    sent = b"".join(frame(PING, payload) for payload in ten)
    yield Case("5.5.2 ten pings in order", sent, pongs=ten)
    yield Case("5.5.2 ten pings byte by byte", sent, pongs=ten, chop=1)


def reserved_bits_and_opcodes() -> Iterator[Case]:
    """Autobahn 3 and 4: what no extension has given a meaning."""
    for bits in range(1, 8):
        for name, opcode in (
            ("text", TEXT),
            ("binary", BINARY),
            ("ping", PING),
            ("close", CLOSE),
        ):
            yield Case(
                f"5.2 reserved bits {bits:03b} of a {name} frame",
                reserved(bits, opcode, b"\x03\xe8"),
                closed=PROTOCOL_ERROR,
                greeted=True,
            )
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        for payload in (b"", b"a payload"):
            yield Case(
                f"5.2 reserved opcode {opcode} with {len(payload)} bytes",
                frame(opcode, payload) + frame(PING),
                closed=PROTOCOL_ERROR,
                greeted=True,
            )


def fragmentation() -> Iterator[Case]:
    """Autobahn 5: what may be cut, and what may come between the parts."""
    for name, opcode in (("ping", PING), ("pong", PONG), ("close", CLOSE)):
        sent = fragments(opcode, b"frag", b"ment")
        yield Case(f"5.5 a {name} in fragments", sent, closed=PROTOCOL_ERROR)
    two = fragments(TEXT, HELLO[:20], HELLO[20:])
    for chop in (0, 1):
        yield Case(f"5.4 two fragments, chop {chop}", two, echoed="hello", chop=chop)
    for chop in (0, 1):
        between = frame(TEXT, HELLO[:20], fin=False) + frame(PING, b"in between")
        yield Case(
            f"5.4 a ping between fragments, chop {chop}",
            between + frame(CONTINUATION, HELLO[20:]),
            pongs=(b"in between",),
            echoed="hello",
            chop=chop,
        )
    parts = cut(HELLO, 8)
    many = frame(TEXT, parts[0], fin=False)
    for part in parts[1:]:
        many += frame(PING, part) + frame(CONTINUATION, part, fin=False)
    yield Case(
        "5.4 a ping between all fragments, an empty last one",
        many + frame(CONTINUATION),
        pongs=tuple(parts[1:]),
        echoed="hello",
    )
    yield Case("5.4 empty fragments", fragments(TEXT, b"", HELLO, b""), echoed="hello")
    for fin in (True, False):
        alone = frame(CONTINUATION, b"nothing to continue", fin=fin)
        for name, greeted in (("at first", False), ("behind a message", True)):
            yield Case(
                f"5.4 a continuation {name}, last {fin}",
                alone + frame(TEXT, HELLO),
                closed=PROTOCOL_ERROR,
                greeted=greeted,
            )
    yield Case(
        "5.4 a new message inside a message",
        frame(TEXT, HELLO, fin=False) + frame(TEXT, HELLO),
        closed=PROTOCOL_ERROR,
    )


VALID = {
    "ASCII": "Hello-@$%&",
    "Greek": "κόσμε",
    "the first of two bytes": "\u0080",
    "the last of two bytes": "\u07ff",
    "the first of three bytes": "\u0800",
    "below the surrogates": "\ud7ff",
    "above the surrogates": "\ue000",
    "a replacement": "\ufffd",
    "non-characters": "\ufdd0\ufffe\uffff",
    "the first of four bytes": "\U00010000",
    "the last of all": "\U0010ffff",
}
INVALID = {
    "the byte fe": b"\xfe",
    "the byte ff": b"\xff",
    "a continuation byte alone": b"\x80",
    "sixty of them": b"\xbf" * 60,
    "a beginning and a space": b"\xc0 \xe0 \xf0 ",
    "an incomplete sequence of two": b"\xce",
    "an incomplete sequence of three": b"\xe1\xbd",
    "an incomplete sequence of four": b"\xf0\x90\x80",
    "a slash in two bytes": b"\xc0\xaf",
    "a slash in three bytes": b"\xe0\x80\xaf",
    "a slash in four bytes": b"\xf0\x80\x80\xaf",
    "NUL in two bytes": b"\xc0\x80",
    "the last overlong of two": b"\xc1\xbf",
    "the last overlong of three": b"\xe0\x9f\xbf",
    "the last overlong of four": b"\xf0\x8f\xbf\xbf",
    "a first surrogate": b"\xed\xa0\x80",
    "a last surrogate": b"\xed\xbf\xbf",
    "a pair of surrogates": b"\xed\xa0\x80\xed\xb0\x80",
    "beyond the last of all": b"\xf4\x90\x80\x80",
    "five bytes": b"\xf8\x88\x80\x80\x80",
    "six bytes": b"\xfc\x84\x80\x80\x80\x80",
    "good, bad, good": "κόσμε".encode() + b"\xed\xa0\x80edited",
}


def texts() -> Iterator[Case]:
    """Autobahn 6: text is UTF-8, wherever it is cut."""
    yield Case("8.1 three empty fragments", fragments(TEXT, b"", b"", b""))
    for name, text in VALID.items():
        message = echo(1, text)
        whole = frame(TEXT, message)
        yield Case(f"8.1 {name}", whole, echoed=text)
        bytewise = fragments(TEXT, *cut(message, 1))
        yield Case(f"8.1 {name}, a fragment a byte", bytewise, echoed=text)
    for name, bad in INVALID.items():
        message = echo(1, "x")[:-4] + bad
        # An incomplete sequence must be the end of the message to be wrong.
        tail = b"" if "incomplete" in name else b'"]}\x1e'
        sent = frame(TEXT, message + tail)
        yield Case(f"8.1 {name}", sent, closed=INVALID_DATA)
        parts = cut(message[-12:] + tail, 1)
        sent = fragments(TEXT, message[:-12], *parts)
        yield Case(f"8.1 {name}, a fragment a byte", sent, closed=INVALID_DATA)
    yield Case(
        "5.6 bytes that are no text in a binary message of a text protocol",
        frame(BINARY, echo(1, "é")),
        echoed="é",
    )


def closing() -> Iterator[Case]:
    """Autobahn 7: the closing handshake and its codes."""
    good = close(1000)
    for name, sent in (
        ("behind a message", good),
        ("twice", good + good),
        ("and a ping behind it", good + frame(PING, b"late")),
        ("and a message behind it", good + frame(TEXT, HELLO)),
    ):
        yield Case(f"5.5.1 a close {name}", sent, closed=1000, greeted=True)
    # The suite's case 7.1.5 wants 1000 here and calls its test informational: the
    # parser takes a message that is broken off for what it is.
    broken_off = frame(TEXT, HELLO[:9], fin=False) + good
    yield Case("5.4 a close between fragments", broken_off, closed=PROTOCOL_ERROR)
    yield Case("7.1.5 a close without a code", frame(CLOSE), closed=NO_CODE)
    yield Case("5.5.1 half a code", frame(CLOSE, b"\x03"), closed=PROTOCOL_ERROR)
    yield Case("7.1.6 a reason", close(1000, b"Hello"), closed=1000)
    yield Case("7.1.6 the longest reason", close(1000, b"*" * 123), closed=1000)
    too_long = close(1000, b"*" * 124)
    yield Case("5.5 a reason that is too long", too_long, closed=PROTOCOL_ERROR)
    yield Case(
        "5.5.1 a reason that is not UTF-8",
        close(1000, b"\xce\xba\xed\xa0\x80"),
        closed=INVALID_DATA,
    )
    for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011):
        yield Case(f"7.4.1 code {code}", close(code), closed=code)
    for code in (3000, 3999, 4000, 4999):
        yield Case(f"7.4.2 code {code}", close(code), closed=code)
    for code in (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535):
        yield Case(f"7.4.2 code {code}", close(code), closed=PROTOCOL_ERROR)


def limits() -> Iterator[Case]:
    """What a server may refuse (RFC 6455, 10.4), and Autobahn 10."""
    largest = sized(MESSAGE_BYTES_MAX)
    for size in (1300, 8192):
        yield Case(
            f"5.4 the largest message in fragments of {size}",
            fragments(TEXT, *cut(largest, size)),
            echoed=largest[len(echo(1, "")) - 4 : -4].decode(),
        )
    over = sized(MESSAGE_BYTES_MAX + 1)
    yield Case("10.4 a message over the limit", frame(TEXT, over), closed=TOO_BIG)
    # Said at the head of the frame: the payload never has to come.
    yield Case("10.4 the head of one", frame(TEXT, over)[:14], closed=TOO_BIG)
    sent = fragments(TEXT, *cut(over, 1300))
    yield Case("10.4 one in fragments", sent, closed=TOO_BIG)
    sent = frame(TEXT, b"{", fin=False) + frame(CONTINUATION, b" ", fin=False) * 200
    yield Case("10.4 too many fragments", sent, closed=TOO_BIG)
    yield Case("10.4 too many pings", frame(PING) * 1000, closed=POLICY)


CASES = [
    *framing(),
    *pings(),
    *reserved_bits_and_opcodes(),
    *fragmentation(),
    *texts(),
    *closing(),
    *limits(),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[Sample]:
    async with sample_server(
        message_bytes=2 * MESSAGE_BYTES_MAX,
        websocket_message_bytes=MESSAGE_BYTES_MAX,
        websocket_fragments=FRAGMENTS_MAX,
    ) as running:
        yield running


async def frames(raw: Raw) -> AsyncIterator[tuple[int, bytes]]:
    """The server's frames until it closes; each whole and unmasked (5.1)."""
    while head := await raw.reader.read(1):
        (length,) = await raw.reader.readexactly(1)
        assert length < 0x80, "a server never masks"
        if length > 125:
            wide = await raw.reader.readexactly(2 if length == 126 else 8)
            length = int.from_bytes(wide)
        assert head[0] & 0xF0 == 0x80, "final, and without reserved bits"
        yield head[0] & 0x0F, await raw.reader.readexactly(length)


@pytest.mark.parametrize("case", CASES, ids=[case.proves for case in CASES])
async def test_the_protocol(server: Sample, case: Case) -> None:
    """A client that keeps to RFC 6455 would be misunderstood, or another believed."""
    raw = await dial_socket(server)
    if case.greeted:
        raw.send(call(FIRST, "Echo", "greeted"))
        await raw.until(b'"greeted"}\x1e')
    sent = case.sent + (b"" if case.closed else call(LAST, "Echo", "end"))
    for part in cut(sent, case.chop or len(sent)):
        raw.send(part)
        await raw.writer.drain()
    pongs, said, code = [], b"", None
    async for opcode, payload in frames(raw):
        assert code is None, "nothing follows a close (5.5.1)"
        if opcode == PONG:
            pongs.append(payload)
        elif opcode == CLOSE:
            code = int.from_bytes(payload[:2]) if payload else NO_CODE
        else:
            said += payload
            if f'"invocationId":"{LAST}"'.encode() in said:
                break
    assert code == case.closed
    if code != POLICY:
        assert tuple(pongs) == case.pongs
    answers = {} if case.echoed is None else {1: case.echoed}
    assert dict(answers_of(said)) == answers | ({} if case.closed else {LAST: "end"})
    raw.writer.close()


def answers_of(said: bytes) -> Iterator[tuple[int, str]]:
    for record in said.split(b"\x1e"):
        if record.startswith(b'{"type":3'):
            message = msgspec.json.decode(record)
            yield int(message["invocationId"]), message["result"]
