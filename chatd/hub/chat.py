"""The chat hub put together: who may connect, what runs, what an error looks like.

This is where SignalR meets the chat: one `signalr.Hub` value made of the methods table,
the rooms and the hooks. The hub decides nothing about people and messages; actions do.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from typing import Final

from chatd.actions import reading, recovery
from chatd.actions import sessions as sign_ins
from chatd.actions.basis.bounds import bounded
from chatd.actions.basis.context import Context
from chatd.actions.basis.counting import Counted
from chatd.actions.basis.rates import Cost, Rates
from chatd.bus.interface import Bus
from chatd.clock import rfc3339
from chatd.domain.announcements import (
    Announcement,
    Hinted,
    Logged,
    PersonalMoved,
    PresenceMoved,
    SessionsEnded,
)
from chatd.domain.people import Caller
from chatd.errors import Refused, invalid
from chatd.hub import sessions
from chatd.hub.counting import observer
from chatd.hub.fanout import Fanout
from chatd.hub.heads import HeadChecks
from chatd.hub.methods import DEEDS, Deed
from chatd.hub.online import Online
from chatd.hub.personal import PersonalEvents
from chatd.hub.presences import Presences
from chatd.hub.rooms import Presence, Rooms
from chatd.hub.watching import Watchers
from chatd.identity.claims import Identity
from chatd.ids import new_id
from chatd.signalr.connections.connection import Connection
from chatd.signalr.crowds.gate import Crowded
from chatd.signalr.hub import Hub, HubException, Method
from chatd.signalr.requests import (
    Denied,
    Forbidden,
    Handshake,
    HubLimits,
    Unauthenticated,
    Unavailable,
)
from chatd.store.upkeep.heads import Heads
from chatd.telemetry import log
from chatd_protocol.chat.base import Shape
from chatd_protocol.chat.binding import InvalidRequestError, T, bind
from chatd_protocol.chat.errors import format_error
from chatd_protocol.chat.events import LogEvent, PersonalEvent
from chatd_protocol.chat.methods import METHODS, MethodRow
from chatd_protocol.chat.requests import RefreshToken, WatchEvents, WatchPresence
from chatd_protocol.chat.results import (
    PersonPresence,
    TokenRefreshed,
    WatchedEvent,
    WatchedPresence,
)

FOR_THE_MOMENT: Final = frozenset({"storage_unavailable", "overloaded"})
"""Refusals at the connect hook after which a client should simply come back."""

KEPT_HEADERS: Final = ("chatd-act-as",)
"""What of a negotiation says who somebody is, besides the access token."""

DENIALS: Final[dict[str, type[Denied]]] = {
    "unauthenticated": Unauthenticated,
    "storage_unavailable": Unavailable,
    "overloaded": Unavailable,
}
"""How a refusal at the door looks over HTTP; every other code is a plain 403."""

Call = Callable[..., Awaitable[object] | AsyncIterator[object]]
Authenticate = Callable[[Handshake], Awaitable[Identity]]
"""Who a request comes from. Raises `Refused` when it may not come in."""

Reauthenticate = Callable[[str, Identity], Awaitable[Identity]]
"""The identity of a newer token (first argument) for the same person."""


class ChatHub:
    """The hub's state in this process and its face to SignalR."""

    def __init__(
        self,
        context: Context,
        bus: Bus,
        rates: Rates,
        authenticate: Authenticate,
        reauthenticate: Reauthenticate,
        *,
        allowed_origins: Sequence[str] = (),
        draining: Callable[[], bool] = bool,
    ) -> None:
        self._context = context
        self._rates = rates
        self._authenticate = authenticate
        self._reauthenticate = reauthenticate
        self._allowed_origins = tuple(allowed_origins)
        self._observer = observer(context.clock, draining)
        self._watchers = Watchers()
        self._rooms = Rooms(bus)
        self._fanout = Fanout(
            self._rooms, self._read_events, self._read_members, self._read_blind
        )
        self._personal = PersonalEvents(self._rooms, self._fanout, self._read_personal)
        self._heads = HeadChecks(
            self._rooms,
            self._fanout,
            self._personal,
            context.facts,
            read=self._read_heads,
            recheck=self._recheck,
        )
        self._online = Online(self._rooms, bus, context.clock)
        self._presences = Presences(
            self._rooms,
            self._fanout,
            self._personal,
            self._read_memberships,
            bus.leases,
            self._online,
            connections_max=context.limits.connections_per_user,
        )

    # ------------------------------------------------------------- to the bus

    def listen(self, announcements: Sequence[Announcement]) -> None:
        """Take a batch of announcements from the bus. Never waits."""
        for announcement in announcements:
            match announcement:
                case Logged():
                    self._fanout.offer(announcement)
                    self._watchers.wake(announcement.tenant)
                case PersonalMoved():
                    self._personal.offer(announcement)
                case Hinted():
                    self._fanout.hint(announcement)
                case SessionsEnded():
                    sessions.close_ended(self._rooms, announcement)
                case PresenceMoved():
                    self._online.take(announcement)

    def batches(
        self, caller: Caller, request: WatchEvents
    ) -> AsyncIterator[Sequence[WatchedEvent]]:
        """Every event of the caller's tenant: for the method and for its HTTP twin."""
        return self._watchers.batches(self._context, caller, request)

    def drain(self) -> None:
        """End what would go on for ever; answers that are under way are finished."""
        self._watchers.stop()

    def doubt(self, why: str) -> None:
        """The bus may have lost something. Never waits."""
        self._heads.doubt(why)

    def start(self) -> None:
        """Look from now on for what the bus did not tell."""
        self._heads.start()
        self._online.start()

    async def stop(self) -> None:
        """End all work of the hub; connections are the SignalR server's to close."""
        await self._heads.stop()
        await self._online.stop()
        await self._presences.stop()
        await self._fanout.stop()
        await self._personal.stop()

    # ----------------------------------------------------------- to SignalR

    def hub(self) -> Hub:
        """The value that a SignalR server mounts."""
        limits = self._context.limits
        return Hub(
            methods={row.name: self._method(row) for row in METHODS},
            authenticate=self._admit,
            connected=self._connected,
            disconnected=self._disconnected,
            completion_error=self._completion_error,
            observer=self._observer,
            limits=HubLimits(
                message_bytes=limits.hub_message_bytes,
                websocket_message_bytes=limits.websocket_message_bytes,
                body_bytes=limits.http_body_bytes,
                invocation_queue=limits.invocation_queue,
                connections_per_address=limits.connections_per_address,
                openings_per_address=limits.openings_per_address,
                outbound_bytes=limits.outbound_queue_bytes,
                outbound_s=limits.outbound_queue_seconds,
            ),
            allowed_origins=self._allowed_origins,
            kept_headers=KEPT_HEADERS,
        )

    def _method(self, row: MethodRow) -> Method:
        special: dict[str, Call] = {
            "RefreshToken": self._refresh_token,
            "WatchEvents": self._watch,
            "WatchPresence": self._watch_presence,
        }
        call: Call = special.get(row.name) or self._caller(row, DEEDS[row.name])
        return Method(
            row.name,
            call,
            (object,),
            streaming=row.streaming,
            catches_up=row.name == "Sync",
        )

    def _caller(
        self, row: MethodRow, deed: Deed
    ) -> Callable[[Connection, object], Awaitable[Shape]]:
        counted = Counted(self._context.clock, "hub", row.name)

        async def call(connection: Connection, argument: object) -> Shape:
            with counted.call():
                caller = self._person(connection)
                self._rates.spend(caller.tenant, caller.user_id, deed.cost)
                request = bounded(_bound(row.request, argument), self._context.limits)
                async with self._context.shares.one_of(caller.tenant):
                    result: Shape = await deed.action(self._context, caller, request)
                return result

        return call

    async def _refresh_token(
        self, connection: Connection, argument: object
    ) -> TokenRefreshed:
        request = _bound(RefreshToken, argument)
        identity = sessions.identity_of(connection)
        self._rates.spend(identity.tenant, identity.user_id, Cost.READ)
        newer = await self._reauthenticate(request.token, identity)
        sessions.begin(connection, newer, self._context.clock)
        return TokenRefreshed(expires_at=rfc3339(newer.expires_at_ms))

    async def _watch(
        self, connection: Connection, argument: object
    ) -> AsyncIterator[WatchedEvent]:
        request = _bound(WatchEvents, argument)
        caller = sessions.identity_of(connection).caller
        self._rates.spend(caller.tenant, caller.user_id, Cost.READ)
        async for batch in self.batches(caller, request):
            for watched in batch:
                yield watched

    async def _watch_presence(
        self, connection: Connection, argument: object
    ) -> WatchedPresence:
        request = _bound(WatchPresence, argument)
        caller = self._person(connection)
        self._rates.spend(caller.tenant, caller.user_id, Cost.READ)
        user_ids = await reading.acquainted(self._context, caller, request.user_ids)
        people = [(caller.tenant, one) for one in user_ids]
        now = await self._online.watch(connection, people)
        return WatchedPresence(
            people=tuple(
                PersonPresence(user_id=one[1], online=online)
                for one, online in now.items()
            )
        )

    # ---------------------------------------------------------------- hooks

    async def _admit(self, handshake: Handshake) -> Identity:
        try:
            return await self._authenticate(handshake)
        except Refused as refusal:
            raise DENIALS.get(refusal.code, Forbidden) from refusal

    async def _connected(self, connection: Connection) -> None:
        identity = connection.identity
        if not isinstance(identity, Identity):
            raise TypeError("a connection of another hub")
        sessions.begin(connection, identity, self._context.clock)
        if not identity.person:
            return
        try:
            await self._presences.arrive(identity.key, connection)
            # From here on an ending finds this connection; one that came between the
            # door and here did not.
            version = await sign_ins.check(self._context, identity)
            self._presences.checked(identity.key, version)
        except Refused as refusal:
            # Not raised: a failing hook would tell the client no reason.
            connection.close(
                format_error(refusal.code, refusal.facts),
                allow_reconnect=refusal.code in FOR_THE_MOMENT,
            )
        except BaseException:
            # SignalR tells of the end of those only whose beginning went well.
            await self._disconnected(connection, None)
            raise

    async def _disconnected(
        self, connection: Connection, _error: Exception | None
    ) -> None:
        identity = sessions.identity_of(connection)
        sessions.end(connection)
        self._online.forget(connection)
        self._presences.depart(identity.key, connection)

    def _completion_error(
        self, error: Exception, _connection: Connection, target: str
    ) -> str | None:
        if isinstance(error, Refused):
            return format_error(error.code, error.facts)
        if isinstance(error, Crowded):
            return format_error("overloaded", {"retryAfter": error.retry_after_s})
        if isinstance(error, HubException):
            return None
        request_id = new_id()
        log.error(
            "hub method failed", method=target, request=request_id, exc_info=error
        )
        return format_error("internal", {"requestId": request_id})

    # ------------------------------------------------------------- helpers

    def _person(self, connection: Connection) -> Caller:
        identity = sessions.identity_of(connection)
        if not identity.person:
            raise Refused("forbidden")
        return identity.caller

    async def _read_events(
        self, tenant: str, conversation_id: str, after: int, until: int
    ) -> Sequence[LogEvent]:
        return await recovery.events_between(
            self._context, tenant, conversation_id, after, until
        )

    async def _read_members(
        self, tenant: str, conversation_id: str, seq: int
    ) -> tuple[Sequence[str], Sequence[str]]:
        return await recovery.members_at(self._context, tenant, conversation_id, seq)

    async def _read_blind(
        self, tenant: str, conversation_id: str, seq: int
    ) -> Collection[str]:
        return await recovery.blind(self._context, tenant, conversation_id, seq)

    async def _read_heads(self, mark: int) -> Heads:
        return await recovery.heads(self._context, mark)

    async def _recheck(self, presence: Presence) -> None:
        for connection in presence.connections.connections():
            identity = sessions.identity_of(connection)
            try:
                await sign_ins.check(self._context, identity)
            except Refused as refusal:
                if refusal.code in FOR_THE_MOMENT:
                    raise
                connection.close(format_error(refusal.code, refusal.facts))

    async def _read_personal(
        self, tenant: str, user_id: str, after: int
    ) -> Sequence[PersonalEvent]:
        return await recovery.personal_events(self._context, tenant, user_id, after)

    async def _read_memberships(
        self, tenant: str, user_id: str
    ) -> tuple[int, Sequence[tuple[str, int, int]]]:
        return await recovery.memberships(self._context, tenant, user_id)


def _bound(request_type: type[T], argument: object) -> T:
    try:
        return bind(request_type, argument)
    except InvalidRequestError as error:
        raise invalid(error.pointer, error.code) from None
