"""A chatd client for Python programs: typed calls, events, and a replica kept whole.

    async with ChatClient("http://127.0.0.1:8080", token) as client:
        events = client.events()
        await client.send(conversation_id, "Hello")
        async for event in events:
            ...

`Connection` alone is a client for any other SignalR hub.
"""

from chatd_client.client import ChatClient
from chatd_client.errors import Lagging, Refused
from chatd_client.lifeline import ChatOptions
from chatd_client.replica import Replica, Reset, Update
from chatd_client.signalr import (
    Address,
    CallFailed,
    CannotConnect,
    ClientError,
    Connection,
    ConnectionClosed,
    ConnectionLost,
    Options,
)

__all__ = [
    "Address",
    "CallFailed",
    "CannotConnect",
    "ChatClient",
    "ChatOptions",
    "ClientError",
    "Connection",
    "ConnectionClosed",
    "ConnectionLost",
    "Lagging",
    "Options",
    "Refused",
    "Replica",
    "Reset",
    "Update",
]
