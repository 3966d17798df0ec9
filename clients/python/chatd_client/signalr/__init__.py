"""A SignalR client for any hub, over WebSockets in both encodings; knows no chat."""

from chatd_client.signalr.connection import Connection, Handler
from chatd_client.signalr.errors import (
    CallFailed,
    CannotConnect,
    ClientError,
    ConnectionClosed,
    ConnectionLost,
    SentAway,
)
from chatd_client.signalr.link import Options
from chatd_client.signalr.negotiating import Address

__all__ = [
    "Address",
    "CallFailed",
    "CannotConnect",
    "ClientError",
    "Connection",
    "ConnectionClosed",
    "ConnectionLost",
    "Handler",
    "Options",
    "SentAway",
]
