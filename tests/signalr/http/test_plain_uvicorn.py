"""What the bounds of the listener are for: uvicorn alone fails on the same bytes.

When one of these fails, uvicorn has learned to defend itself there, and the listener's
own defence may be dropped.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from tests.signalr.raw import CONTINUATION, PING, TEXT, Raw, frame, upgrade
from tests.support.waiting import wait_until

PATIENCE_S = 1.0


async def _sink(socket: WebSocket) -> None:
    await socket.accept()
    while True:
        await socket.receive_text()


async def _body(request: Request) -> Response:
    with suppress(ClientDisconnect):
        await request.body()
    return Response()


@pytest.fixture
async def plain() -> AsyncIterator[Raw]:
    """A connection to uvicorn as it comes, with an endpoint that reads."""
    routes = [WebSocketRoute("/sample", _sink), Route("/body", _body, methods=["POST"])]
    application = Starlette(routes=routes)
    config = uvicorn.Config(
        application,
        port=0,
        log_config=None,
        ws="websockets-sansio",
        timeout_graceful_shutdown=0,
    )
    server = uvicorn.Server(config)
    serving = asyncio.ensure_future(server._serve())
    await wait_until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    yield Raw(reader, writer)
    writer.close()
    # It would try to refuse a handshake a second time, and end in an assertion.
    await wait_until(lambda: not server.server_state.connections)
    server.should_exit = True
    await serving


async def answered(raw: Raw, patience_s: float = PATIENCE_S) -> bool:
    """Whether the server said or closed anything within a moment."""
    try:
        async with asyncio.timeout(patience_s):
            await raw.reader.read(1)
    except TimeoutError:
        return False
    return True


async def test_too_many_headers_are_never_answered(plain: Raw) -> None:
    """The defence in `listener.py` (431 at once) would have lost its reason."""
    headers = "".join(f"x-{number}: 1\r\n" for number in range(140))
    plain.send(upgrade(extra=headers))
    assert not await answered(plain)


async def test_pings_without_end_are_all_answered(plain: Raw) -> None:
    """The bound on control frames would have lost its reason."""
    plain.send(upgrade())
    await plain.until(b"\r\n\r\n")
    assert await plain.push(frame(PING, b"x" * 100) * 20_000)


async def test_empty_fragments_without_end_are_taken(plain: Raw) -> None:
    """The bound on empty frames would have lost its reason."""
    plain.send(upgrade())
    await plain.until(b"\r\n\r\n")
    plain.send(frame(TEXT, b"", fin=False))
    assert await plain.push(frame(CONTINUATION, b"", fin=False) * 200_000)
    assert not await answered(plain)


async def test_a_body_that_drips_is_waited_for(plain: Raw) -> None:
    """The least speed of bodies would have lost its reason."""
    plain.send(b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\n")
    for _ in range(5):
        plain.send(b"x")
        assert not await answered(plain, 0.3)
