"""A chatd client for Python programs: typed calls, events, and a replica kept whole.

    async with ChatClient("http://127.0.0.1:8080", token) as client:
        events = client.events()
        await client.send(conversation_id, "Hello")
        async for event in events:
            ...

`Connection` alone is a client for any other SignalR hub.
"""

from chatd_client.client import ChatClient
from chatd_client.connection import Connection
from chatd_client.errors import (
    CallFailed,
    CannotConnect,
    ClientError,
    ConnectionClosed,
    ConnectionLost,
    Lagging,
    Refused,
)
from chatd_client.link import Options
from chatd_client.negotiating import Address
from chatd_client.replica import Replica, Reset, Update

__all__ = [
    "Address",
    "CallFailed",
    "CannotConnect",
    "ChatClient",
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
