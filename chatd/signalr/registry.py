"""The connections of one mounted hub: who is there, in which groups, by which token.

Also the hub's hooks, which run here so that connections know nothing of them.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from secrets import token_urlsafe
from typing import Final

from chatd.signalr.connections.connection import Connection
from chatd.signalr.crowds.addresses import Addresses
from chatd.signalr.crowds.gate import Gate
from chatd.signalr.dispatch import Calls
from chatd.signalr.hub import Hub
from chatd.signalr.prepared import Prepared
from chatd.signalr.requests import Anonymous, Handshake, Identity
from chatd.signalr.tickets import Siblings, Spent
from chatd.signalr.ticks import Flusher, Wheel
from chatd.telemetry import log, spawn
from chatd_protocol.signalr.messages import HubMessage, Oversized

CONNECTION_ID_BYTES: Final = 16
TOKEN_BYTES: Final = 24
"""192 random bits: there is nothing to guess, and so nothing to learn from the time
that the dictionary takes to find a token."""

Index = dict[str, dict[str, Connection]]


class Audience:
    """Some connections of a hub, looked up anew at each send."""

    def __init__(self, find: Callable[[], Iterable[Connection]]) -> None:
        self._find = find

    def connections(self) -> list[Connection]:
        """Who they are now."""
        return list(self._find())

    def send(self, target: str, *arguments: object) -> None:
        """Call a method of each of them. Never waits."""
        self.send_prepared(Prepared(target, *arguments))

    def send_prepared(self, message: Prepared) -> None:
        """`send` with a message that others are sent too."""
        # A copy: a connection that cannot take more ends here and now and leaves the
        # index that is being read.
        for connection in self.connections():
            connection.send_prepared(message)


class Clients:
    """The ways to name connections of a hub."""

    def __init__(self, by_id: dict[str, Connection], users: Index, groups: Index):
        self._by_id = by_id
        self._users = users
        self._groups = groups

    def get(self, connection_id: str) -> Connection | None:
        """The connection with this public id, if it is here and has not ended."""
        return self._by_id.get(connection_id)

    def all(self) -> Audience:
        """Everybody."""
        return Audience(self._by_id.values)

    def connection(self, connection_id: str) -> Audience:
        """One connection, or nobody if it has gone."""

        def find() -> Iterable[Connection]:
            found = self._by_id.get(connection_id)
            return () if found is None else (found,)

        return Audience(find)

    def user(self, user_id: str) -> Audience:
        """All connections of a user."""
        return Audience(lambda: self._users.get(user_id, {}).values())

    def group(self, name: str) -> Audience:
        """All members of a group."""
        return Audience(lambda: self._groups.get(name, {}).values())


class Groups:
    """Who is in which group. Membership ends with the connection."""

    def __init__(self, by_id: dict[str, Connection], groups: Index) -> None:
        self._by_id = by_id
        self._groups = groups

    def add(self, connection_id: str, name: str) -> None:
        """Put a connection into a group; nothing happens if it has gone."""
        connection = self._by_id.get(connection_id)
        if connection is not None:
            self._groups.setdefault(name, {})[connection_id] = connection
            connection.groups.add(name)

    def remove(self, connection_id: str, name: str) -> None:
        """Take it out again."""
        connection = self._by_id.get(connection_id)
        if connection is not None:
            connection.groups.discard(name)
            _drop(self._groups, name, connection_id)


class HubContext:
    """A hub at its path, with its connections. What the application sends through.

    With `siblings`, connection tokens are tickets that those can read too.
    """

    def __init__(
        self,
        path: str,
        hub: Hub,
        wheel: Wheel,
        flusher: Flusher,
        siblings: Siblings | None = None,
        gate: Gate | None = None,
    ) -> None:
        self.path = path
        self.siblings = siblings
        self.spent = None if siblings is None else Spent(siblings.clock)
        self.hub = hub
        self.limits = hub.limits
        self.detailed_errors = hub.detailed_errors
        self.wheel = wheel
        self.flusher = flusher
        self.draining = False
        self.addresses = Addresses(wheel, hub.limits)
        self.gate = gate or Gate(wheel)
        self._by_id: dict[str, Connection] = {}
        self._by_token: dict[str, Connection] = {}
        self._users: Index = {}
        self._group_index: Index = {}
        self._calls: dict[str, Calls] = {}
        self._hooked: set[str] = set()
        self._unread: set[str] = set()
        self._methods = {name.lower(): row for name, row in hub.methods.items()}
        self._tasks: set[asyncio.Task[None]] = set()
        self.clients = Clients(self._by_id, self._users, self._group_index)
        self.groups = Groups(self._by_id, self._group_index)

    async def authenticate(self, handshake: Handshake) -> Identity:
        """Who asks.

        Raises:
            Denied: the hub will not have him.
            TimeoutError: the hub did not say within `authenticate_s`.
        """
        async with asyncio.timeout(self.limits.authenticate_s):
            identity = await self.hub.authenticate(handshake)
        return Anonymous() if identity is None else identity

    def open(
        self, identity: Identity, handshake: Handshake, *, version: int = 1
    ) -> Connection:
        """A new connection without a transport; in version 0 its id is its secret."""
        token = token_urlsafe(TOKEN_BYTES)
        connection_id = token_urlsafe(CONNECTION_ID_BYTES) if version else token
        return self.begin(identity, handshake, token, connection_id)

    def negotiate(
        self, identity: Identity, handshake: Handshake, *, version: int
    ) -> tuple[str, str]:
        """The id and the token of a connection, whose transport is to come.

        With siblings nothing is kept here: the client may come to any of them.
        """
        if self.siblings is None:
            connection = self.open(identity, handshake, version=version)
            return connection.id, connection.token
        connection_id = token_urlsafe(CONNECTION_ID_BYTES) if version else ""
        said = handshake.headers
        token = self.siblings.issue(
            self.path,
            identity.user_id,
            connection_id,
            bearer=handshake.bearer,
            headers={k: said[k] for k in self.hub.kept_headers if k in said},
        )
        return connection_id or token, token

    def begin(
        self, identity: Identity, handshake: Handshake, token: str, connection_id: str
    ) -> Connection:
        """A connection with this id, known by this secret."""
        connection = self._by_token[token] = Connection(
            self,
            connection_id=connection_id,
            token=token,
            identity=identity,
            handshake=replace(handshake, bearer=None),
        )
        self.addresses.opened(handshake.client)
        return connection

    def find(self, token: str) -> Connection | None:
        """The connection that this secret belongs to."""
        return self._by_token.get(token)

    def everyone(self) -> list[Connection]:
        """All connections, also those that have no transport yet."""
        return list(self._by_token.values())

    def read_no_more(self, connection: Connection) -> None:
        """What it asked for is done; what it asks for now waits for the end."""
        self._unread.add(connection.id)

    async def finish(self) -> None:
        """Wait for the hooks and methods that still run, then cancel what is left."""
        try:
            async with asyncio.timeout(self.limits.close_s):
                while self._tasks:
                    await asyncio.wait(tuple(self._tasks))
        except TimeoutError:
            for task in tuple(self._tasks):
                task.cancel()

    # ------------------------------------------------------- for the connections

    def handshaken(self, connection: Connection) -> None:
        """The client can be spoken to: it is in the registry from now on."""
        self.hub.observer.opening("accepted")
        self.addresses.settled(connection.handshake.client)
        self._by_id[connection.id] = connection
        self._users.setdefault(connection.user_id, {})[connection.id] = connection
        spawn(self._tasks, self._connect(connection), "signalr connect hook")

    def message(self, connection: Connection, message: HubMessage | Oversized) -> None:
        """A message for the hub's methods."""
        calls = self._calls.get(connection.id)
        if calls is None:
            calls = self._calls[connection.id] = Calls(
                connection,
                self.hub,
                self._methods,
                self._tasks,
                self.gate,
                lambda: self._calls.pop(connection.id, None),
            )
        calls.take(message)

    def has_room(self, connection: Connection) -> bool:
        """Whether more calls of this client may be read."""
        if connection.id in self._unread:
            return False
        calls = self._calls.get(connection.id)
        return calls is None or calls.has_room

    def is_calling(self, connection: Connection) -> bool:
        """Whether one of its methods runs."""
        calls = self._calls.get(connection.id)
        return calls is not None and calls.running

    def ended(self, connection: Connection, error: Exception | None) -> None:
        """Out of every index; then the disconnect hook, if it was ever connected."""
        if self._by_id.pop(connection.id, None) is None:
            self.addresses.settled(connection.handshake.client)
            absent = connection.pipe is None
            self.hub.observer.opening("abandoned" if absent else "bad_handshake")
        _drop(self._users, connection.user_id, connection.id)
        for name in connection.groups:
            _drop(self._group_index, name, connection.id)
        connection.groups.clear()
        self._unread.discard(connection.id)
        calls = self._calls.pop(connection.id, None)
        if calls is not None:
            calls.end()
        if connection.id in self._hooked:
            spawn(
                self._tasks,
                self._disconnect(connection, error),
                "signalr disconnect hook",
            )

    def released(self, connection: Connection) -> None:
        """The token means nothing any more."""
        if self._by_token.pop(connection.token, None) is not None:
            self.addresses.released(connection.handshake.client)
            self.hub.observer.ended(connection)
            if self.spent is not None:
                self.spent.add(connection.token)

    # --------------------------------------------------------------------- hooks

    async def _connect(self, connection: Connection) -> None:
        try:
            async with self.gate.go_on():
                if connection.id not in self._by_id:
                    return  # it ended while it waited
                await self.hub.connected(connection)
        except Exception as error:  # noqa: BLE001 - ends one connection, no more
            log.error("connect hook failed", path=self.path, exc_info=error)
            connection.fail(error)
            return
        self._hooked.add(connection.id)
        if connection.closed:
            await self._disconnect(connection, connection.error)
        else:
            connection.start_reading()

    async def _disconnect(
        self, connection: Connection, error: Exception | None
    ) -> None:
        self._hooked.discard(connection.id)
        await self.hub.disconnected(connection, error)


def _drop(index: Index, name: str, connection_id: str) -> None:
    members = index.get(name)
    if members is not None:
        members.pop(connection_id, None)
        if not members:
            del index[name]
