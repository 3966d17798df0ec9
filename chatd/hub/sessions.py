"""How long a connection may live: until its token ends, or until somebody ends it.

A minute before a token ends the connection is told, so that the client can bring a
newer one (`RefreshToken`) and nobody is interrupted in the middle of a word.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from chatd.clock import Clock, rfc3339
from chatd.domain.announcements import SessionsEnded
from chatd.hub.parcels import send_to
from chatd.hub.rooms import Rooms
from chatd.identity.claims import Identity
from chatd.signalr.connections.connection import Connection
from chatd_protocol.chat.errors import format_error
from chatd_protocol.chat.events import TokenExpiring

WARNING_S: Final = 60.0
"""How long before its end a token is announced to be ending."""

_KEY: Final = "session"


@dataclass(slots=True)
class Session:
    """Who a connection speaks for, and the timer of its token's end."""

    identity: Identity
    warning: asyncio.TimerHandle | None = None


def begin(connection: Connection, identity: Identity, clock: Clock) -> None:
    """Let the connection live as long as this identity's token."""
    if connection.closed and _KEY in connection.items:
        return  # it ended while a newer token was looked at
    end(connection)
    session = Session(identity)
    connection.items[_KEY] = session
    left_s = (identity.expires_at_ms - clock.now_ms()) / 1000
    connection.set_expiry(
        clock.monotonic() + left_s, format_error("unauthenticated", {})
    )
    session.warning = asyncio.get_running_loop().call_later(
        max(0.0, left_s - WARNING_S), _warn, connection, identity.expires_at_ms, clock
    )


def end(connection: Connection) -> None:
    """The connection is over, or goes on under another identity."""
    session = connection.items.get(_KEY)
    if isinstance(session, Session) and session.warning is not None:
        session.warning.cancel()


def identity_of(connection: Connection) -> Identity:
    """Who this connection speaks for now."""
    session = connection.items[_KEY]
    if not isinstance(session, Session):
        raise TypeError("the connection has no session")
    return session.identity


def close_ended(rooms: Rooms, ended: SessionsEnded) -> None:
    """Close a person's connections whose tokens are older than the ending."""
    presence = rooms.people.get((ended.tenant, ended.user_id))
    if presence is not None:
        _close(presence.connections.connections(), ended.before_ms)


def _close(connections: Iterable[Connection], before_ms: int) -> None:
    for connection in connections:
        if identity_of(connection).issued_at_ms < before_ms:
            connection.close(format_error("unauthenticated", {}))


def _warn(connection: Connection, expires_at_ms: int, clock: Clock) -> None:
    at = rfc3339(clock.now_ms())
    send_to(connection, TokenExpiring(at=at, expires_at=rfc3339(expires_at_ms)))
