"""If these fail, an upload is read wrongly, or collected in memory."""

from collections.abc import AsyncIterator
from http import HTTPStatus

import pytest
from starlette.requests import Request

from chatd.api.multipart import Form
from chatd.api.problems import HttpRefusal

BOUNDARY = "x-boundary"


def part(disposition: str, content: bytes = b"") -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n\r\n".encode()
    return head + content + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()
FILE = part('form-data; name="file"; filename="a.txt"', b"one\r\ntwo" * 100)
ALT = part('form-data; name="alt"', "Größe".encode())


def form(
    body: bytes,
    size: int = 7,
    kind: str = f"multipart/form-data; boundary={BOUNDARY}",
) -> Form:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]

    async def receive() -> dict:
        piece = pieces.pop(0) if pieces else b""
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    headers = [(b"content-type", kind.encode())]
    scope = {"type": "http", "method": "POST", "headers": headers}
    return Form(Request(scope, receive))


async def joined(content: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in content])


@pytest.mark.parametrize("size", [1, 7, 64, 10_000])
async def test_parts_come_in_order(size: int) -> None:
    """A file would be cut where the network cut it."""
    found = []
    read = form(FILE + ALT + END, size)
    async for one in read.parts():
        if one.filename is None:
            found.append((one.name, await read.text(100)))
        else:
            content = await joined(read.content())
            found.append((one.filename, content.decode()))
    assert found == [("a.txt", "one\r\ntwo" * 100), ("alt", "Größe")]


async def test_what_is_not_read_is_passed_over() -> None:
    """A part that nobody wants would be taken for the next one's content."""
    read = form(FILE + ALT + END)
    names = [one.name async for one in read.parts()]
    assert names == ["file", "alt"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no form at all",
        FILE,
        FILE[:50],
        part("attachment; name=file") + END,
        part("form-data") + END,
        ALT * 9 + END,
        part("form-data; name=" + "n" * 10_000) + END,
        part(f"form-data; name=a\r\n{'X: y' * 3_000}") + END,
    ],
    ids=range(9),
)
async def test_broken_forms(body: bytes) -> None:
    """Half an upload would be kept, or a hostile head fill the memory."""
    with pytest.raises(HttpRefusal) as refusal:
        _ = [one async for one in form(body).parts()]
    assert refusal.value.status == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize(
    "kind",
    ["", "application/json", "multipart/mixed; boundary=x", "multipart/form-data"],
)
def test_other_bodies(kind: str) -> None:
    """JSON would be searched for files."""
    with pytest.raises(HttpRefusal) as refusal:
        form(b"", kind=kind)
    assert refusal.value.status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    assert refusal.value.facts == {"expected": "multipart/form-data"}


async def test_fields_are_bounded() -> None:
    """A description of any length would be collected."""
    read = form(ALT + END)
    await anext(read.parts())
    with pytest.raises(HttpRefusal) as refusal:
        await read.text(3)
    assert refusal.value.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


async def test_a_field_in_another_encoding() -> None:
    """A description would be kept as what nobody wrote."""
    read = form(part('form-data; name="alt"', b"\xff\xfe") + END)
    await anext(read.parts())
    with pytest.raises(HttpRefusal):
        await read.text(100)


async def test_the_rest_of_a_body() -> None:
    """Who uploads what is refused would see a broken connection, not the reason."""
    read = form(FILE + ALT + END)
    await anext(read.parts())
    await read.pass_over(10_000)
    read = form(FILE * 100)
    await read.pass_over(10)
