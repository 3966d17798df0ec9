"""Clients of the chat that say exactly what they send, and read when they like."""

import asyncio
import json
import socket
from typing import Any

import httpx2

from tests.signalr.raw import HANDSHAKE, TEXT, Raw, call, frame, upgrade
from tests.support.server import Server
from tests.support.tokens import token

READ_BYTES_MAX = 16 * 2**20


def bearer(user: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(user)}"}


async def connected(server: Server, user: str, *, receive_bytes: int = 0) -> Raw:
    """An open connection; its socket takes no more than `receive_bytes` unread."""
    plain = socket.socket()
    if receive_bytes:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    plain.setblocking(False)
    await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", server.port))
    raw = Raw(*await asyncio.open_connection(sock=plain, limit=READ_BYTES_MAX))
    raw.send(upgrade("/hub", f"Authorization: Bearer {token(user)}\r\n"))
    assert b" 101 " in await raw.until(b"\r\n\r\n")
    raw.send(frame(TEXT, HANDSHAKE))
    await raw.until(b"{}\x1e")
    return raw


async def started(server: Server, kind: str, recipient: str) -> str:
    """A conversation of anna's with a person or a course; its id."""
    async with httpx2.AsyncClient(headers=bearer("anna")) as http:
        answer = await http.post(
            f"{server.url}/v1/conversations",
            json={
                "recipients": [{"kind": kind, "id": recipient}],
                "mode": "group",
                "clientRequestId": f"{kind}-{recipient}",
            },
        )
    return str(answer.raise_for_status().json()["conversation"]["id"])


async def asked(raw: Raw, number: int, method: str, **argument: object) -> Any:
    """The result of a call; what comes before it is dropped."""
    raw.send(call(number, method, argument))
    wanted = f'{{"type":3,"invocationId":"{number}",'.encode()
    await raw.until(wanted, 60)
    answer = json.loads(wanted + (await raw.until(b"\x1e"))[:-1])
    return answer["result"]
