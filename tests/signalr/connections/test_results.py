"""Calls of a client's methods, answered or not."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from chatd.signalr.connections.connection import Connection
from chatd.signalr.connections.results import ClientError, ConnectionEnded
from tests.signalr.connections.parts import HANDSHAKE, Wire, parts, settled


async def opened(**limits: Any) -> Connection:
    connection = parts(**limits).connect(Wire())
    await settled()
    return connection


def ask(connection: Connection, timeout_s: float = 60.0) -> Awaitable[int]:
    made = connection.invoke("twice", 2, result_type=int, timeout_s=timeout_s)
    return asyncio.ensure_future(made)


async def test_each_answer_finds_its_call() -> None:
    """A hub would take one answer for another."""
    connection = await opened()
    first, second = ask(connection), ask(connection)
    await asyncio.sleep(0)
    connection.receive(b'{"type":3,"invocationId":"s2","result":2}\x1e')
    connection.receive(b'{"type":3,"invocationId":"s1","result":1}\x1e')
    connection.receive(b'{"type":3,"invocationId":"s1","result":9}\x1e')
    assert (await first, await second) == (1, 2)


async def test_a_client_that_fails_says_why() -> None:
    """A hub would take an error for a result."""
    connection = await opened()
    asked = ask(connection)
    await asyncio.sleep(0)
    connection.receive(b'{"type":3,"invocationId":"s1","error":"no idea"}\x1e')
    with pytest.raises(ClientError, match="no idea"):
        await asked


async def test_nobody_waits_for_a_client_for_ever() -> None:
    """A method would hang on a client that never answers, or is gone."""
    connection = await opened(client_results=2)
    with pytest.raises(TimeoutError):
        await ask(connection, 0.01)
    left = [ask(connection), ask(connection)]
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="too many"):
        await ask(connection)
    connection.lost(None)
    for asked in left:
        with pytest.raises(ConnectionEnded):
            await asked
    with pytest.raises(ConnectionEnded):
        await ask(connection)


async def test_the_connect_hook_cannot_wait_for_an_answer() -> None:
    """A hook would wait for what is read only after it."""
    connection = parts().connect(Wire(), HANDSHAKE)
    with pytest.raises(RuntimeError, match="connect hook"):
        await connection.invoke("twice", 2, result_type=int, timeout_s=1)
