"""The composition root: builds everything, knows everything, and nobody imports it."""

import asyncio
import gc
import os
import signal
import socket
from dataclasses import dataclass, field, replace
from functools import partial
from urllib.parse import urlsplit

import uvloop
from starlette.applications import Starlette

from chatd import __version__, failpoints, metrics, telemetry
from chatd.actions.basis.context import Context
from chatd.actions.basis.facts import Facts
from chatd.actions.basis.rates import Rates
from chatd.actions.content.attachments import Files
from chatd.actions.content.sweeping import Sweeper
from chatd.actions.keeping.purging import Purger
from chatd.actions.mass.delivering import Delivery
from chatd.actions.sessions import SignIn
from chatd.api.application import routes
from chatd.api.door import Door
from chatd.api.listeners import Listener, Monitor
from chatd.api.probes import Probes, Scrapes
from chatd.bus.interface import Bus
from chatd.bus.local import LocalBus
from chatd.bus.redis.address import parse
from chatd.bus.redis.bus import RedisBus
from chatd.clock import Clock, SystemClock
from chatd.config import Config, ConfigError
from chatd.demo import create_demo, login_links
from chatd.files.depot import open_depot
from chatd.files.links import Links
from chatd.files.pictures import Pictures
from chatd.hub.chat import ChatHub
from chatd.identity.claims import Identity
from chatd.identity.issuers import issuers, signer
from chatd.identity.kept import deployment_secret
from chatd.identity.tokens import Verifier
from chatd.operating.health import STORE, Check, Health, has_room
from chatd.operating.isolation import Isolation
from chatd.operating.ports import open_port
from chatd.operating.soundness import open_more_files
from chatd.operating.tracing import recording
from chatd.signalr.http.listener import HeadLimits
from chatd.signalr.mounting import SignalRServer
from chatd.signalr.requests import Handshake
from chatd.signalr.tickets import Siblings
from chatd.store.engine.interface import Store
from chatd.store.engine.migrating import load
from chatd.store.engine.opening import open_store
from chatd.store.upkeep.condition import fits
from chatd.telemetry import log
from chatd.telemetry.building import commit

HUB_PATH = "/hub"

SPREAD, FINISH = 0.4, 0.2
"""Of what is left of the grace: for sending clients away, and for methods that run.
Half of the rest is for sockets, the other half for hooks and the store."""

MOVING_S, CALLING_S = 10.0, 5.0
"""For sending clients away from a gateway that goes on, and for their methods."""

COLLECT_AFTER = (2_000, 10, 25)
"""Objects, then younger collections, between collections of each age. With Python's own
(700, 10, 10) they took a fifth of the time in which 6,000 clients reconnected, 0.3 s at
a stretch (`./dev bench storm`); now garbage in circles waits for half a million more
objects, some 50 MB."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Foundation:
    """Time, the way to other gateways (None: as configured)."""

    clock: Clock = field(default_factory=SystemClock)
    bus: Bus | None = None
    siblings: Siblings | None = None


class Installation:
    """One running server: the store, the bus, both doors.

    Made by `install`.
    """

    def __init__(self, config: Config, below: Foundation, store: Store) -> None:
        self.config = config
        self.clock = below.clock
        self.store = store
        assert below.bus is not None
        bus = self.bus = below.bus
        limits = config.limits
        facts = Facts(self.store)
        self.context = Context(self.store, self.clock, limits, facts, bus.publish)
        rates = Rates(limits, self.clock, bus.leases)
        self._verifier = Verifier(issuers(config, self.clock), self.clock)
        self._sign_in = SignIn(self.context, self._verifier)
        self.chat = ChatHub(
            self.context,
            bus,
            rates,
            self._authenticate,
            self._sign_in.renew,
            allowed_origins=config.allowed_origin,
            draining=lambda: self.health.draining,
        )
        # Facts first: what is decided on the news must not rest on what it made stale.
        bus.subscribe(facts.listen)
        bus.subscribe(self.chat.listen)
        bus.on_doubt(self.chat.doubt)
        head = HeadLimits(limits.request_header_bytes, limits.request_headers)
        self.signalr = SignalRServer(
            self.clock, config.trusted_proxy, below.siblings, head=head
        )
        self.signalr.mount(HUB_PATH, self.chat.hub())
        self.health = Health(self.clock, self._checks())
        self.probes = Probes(self.health, self._measure)
        self.isolation = Isolation(
            self.clock,
            self.health,
            partial(self.signalr.send_away, MOVING_S, CALLING_S),
        )
        if config.redis_url is not None:
            bus.subscribe(self.isolation.listen)
        folder = config.attachments_folder
        depot = open_depot(config.attachments_url or f"file://{folder}")
        self.sweeper = Sweeper(self.context, depot)
        bus.subscribe(self.sweeper.listen)
        self.delivery = Delivery(self.context)
        self.purger = Purger(self.context)
        door = Door(
            self.context,
            self._sign_in,
            rates,
            self.probes,
            self.chat.batches,
            Files(depot, Pictures(), Links(deployment_secret(config))),
            config.allowed_origin,
            _scrapes(config),
        )
        self.application = Starlette(routes=[*self.signalr.routes, *routes(door)])

    async def start(self) -> None:
        """Begin what goes on by itself; returns at once."""
        await self.bus.start()
        self.chat.start()
        if self.config.redis_url is not None:
            self.isolation.start()

    async def drain(self) -> float:
        """Tell balancers, then clients; the seconds that are left of the grace."""
        ends_s = self.clock.monotonic() + self.config.grace
        await self.health.drain(self.config.drain_notice)
        await failpoints.reach_async("during_drain")
        self.chat.drain()
        left_s = max(0.0, ends_s - self.clock.monotonic())
        await self.signalr.drain(left_s * SPREAD, left_s * FINISH)
        return max(0.0, ends_s - self.clock.monotonic())

    async def stop(self) -> None:
        """End everything in order; the store last, so that nothing is lost."""
        self.health.loop.stop()
        await self.isolation.stop()
        await self.signalr.stop()
        await self.chat.stop()
        await self.bus.stop()
        await self._verifier.stop()
        await self.delivery.stop()
        await self.purger.stop()
        await self.sweeper.stop()
        await self.store.close()

    async def _authenticate(self, handshake: Handshake) -> Identity:
        act_as = handshake.headers.get("chatd-act-as")
        return await self._sign_in(handshake.bearer, act_as)

    def _checks(self) -> tuple[Check, ...]:
        known = len(load(self.store.engine))

        async def schema() -> bool:
            return await self.store.read(fits, known, self.store.epoch)

        checks = (Check(STORE, self.store.ready), Check("schema", schema))
        metrics.BUILD.info(
            {"version": __version__, "commit": commit(), "schema": str(known)}
        )
        file = self.config.database_file
        if file is None:
            return checks
        folder = file.parent

        async def disk() -> bool:
            return await has_room(folder)

        return (*checks, Check("disk", disk))

    def _measure(self) -> None:
        """What is looked at when it is asked for, and not counted as it happens."""
        states, waiting = self.signalr.census()
        for state, count in states.items():
            metrics.CONNECTIONS.labels(state).set(count)
        metrics.OUTBOUND_QUEUE_BYTES.set(waiting)
        metrics.OPENINGS_WAITING.set(self.signalr.waiting)


async def install(config: Config, foundation: Foundation | None = None) -> Installation:
    """Build a server on its database.

    `foundation` is what it stands on; a simulation brings its own.

    Raises:
        ConfigError: a key or the secret cannot be used.
        SchemaError: the database cannot be used.
    """
    below = foundation or Foundation()
    bus = below.bus or _bus(config, below.clock)
    store = await open_store(
        config.database,
        clock=below.clock,
        on_committed=bus.publish,
        unsafe_durability=config.unsafe_durability,
    )
    try:
        return Installation(config, replace(below, bus=bus), store)
    except BaseException:
        await store.close()
        raise


def _bus(config: Config, clock: Clock) -> Bus:
    if config.redis_url is None:
        return LocalBus()
    try:
        redis = parse(config.redis_url)
    except ValueError as error:
        raise ConfigError([f"redis_url: {error}"]) from None
    return RedisBus(redis, deployment_secret(config), clock)


def _scrapes(config: Config) -> Scrapes:
    if config.metrics_port is not None or config.workers > 1:
        # Of several workers any one would answer, each with series of its own.
        return Scrapes.BY_NOBODY
    # A public address means a proxy, which would make strangers look like neighbours.
    private = config.public_url is None and config.host in LOOPBACK
    return Scrapes.BY_NEIGHBOURS if private else Scrapes.BY_OPERATORS


class _Server(Listener):
    """uvicorn's server, which says where it listens and drains before it goes."""

    def __init__(self, installation: Installation) -> None:
        config = installation.config
        super().__init__(
            installation.signalr.config(
                installation.application, config.host, config.port
            )
        )
        self._installation = installation

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then tell."""
        await self._installation.start()
        await super().startup(sockets)
        if not self.should_exit:
            self._installation.health.started = True
            _tell(self._installation, self.servers[0].sockets[0].getsockname()[1])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell balancers, then clients, before sockets close; all within the grace."""
        left_s = await self._installation.drain()
        # What is left after that is for hooks that run, and for the store.
        self.config.timeout_graceful_shutdown = max(1, round(left_s / 2))
        await super().shutdown(sockets)


def _tell(installation: Installation, port: int) -> None:
    config = installation.config
    host = f"[{config.host}]" if ":" in config.host else config.host
    url = f"http://{host}:{port}"
    print(f"listening on {url}", flush=True)  # noqa: T201 - the command's one output
    if config.demo:
        key = signer(config, "demo")
        base = config.public_url or url
        for line in login_links(key, base, installation.clock.now_ms()):
            print(line, flush=True)  # noqa: T201 - asked for by --demo


@dataclass(frozen=True)
class Parent:
    """What a worker has of its parent: a socket that listens, and a sign of life.

    `lifeline` is a file descriptor that can be read once the parent has gone.
    """

    public: socket.socket
    lifeline: int


def serve(config: Config, parent: Parent | None = None) -> None:
    """Run the server until it is told to stop by SIGINT or SIGTERM.

    Raises:
        ConfigError: a key or the secret cannot be used.
        SchemaError: the database cannot be used.
        OSError: the data folder cannot be written, or the address not be listened on.
    """
    # Workers write into one log.
    own = {"pid": os.getpid()} if config.workers > 1 else {}
    telemetry.configure(config.log_level, **own)
    failpoints.arm(config.failpoints)
    open_more_files()
    gc.set_threshold(*COLLECT_AFTER)
    # Before all else: a port that is taken must not leave a database touched.
    public = open_port(config.host, config.port) if parent is None else parent.public
    with (
        public,
        recording(config, SystemClock()),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(_serve(config, public, parent))


def _open_inside(config: Config) -> socket.socket | None:
    """Where siblings reach this process, if there can be any."""
    url = config.internal_url
    if url is None and config.redis_url is not None:
        url = "http://127.0.0.1:0"
    if url is None:
        return None
    host, port = urlsplit(url).hostname, urlsplit(url).port
    assert host is not None
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigError([f"internal_url: {error}"]) from None


def _siblings(config: Config, inside: socket.socket) -> Siblings:
    host, port = inside.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return Siblings(deployment_secret(config), f"http://{shown}:{port}", SystemClock())


async def _serve(config: Config, public: socket.socket, parent: Parent | None) -> None:
    inside = _open_inside(config)
    siblings = None if inside is None else _siblings(config, inside)
    installation = await install(config, Foundation(siblings=siblings))
    monitor = _monitor(installation)
    try:
        installation.health.loop.start()
        if inside is not None:
            installation.signalr.listen_inside(inside)
        if monitor is not None:
            monitor.start()
        if config.demo:
            await create_demo(installation.store, installation.clock)
        installation.sweeper.start()
        installation.delivery.start()
        installation.purger.start()
        server = _Server(installation)
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, server.handle_exit, name, None)
        if parent is not None:
            loop.add_reader(parent.lifeline, _orphaned, loop, parent.lifeline, server)
        # What is there now stays: no collection has to look at it again.
        gc.collect()
        gc.freeze()
        await server.serve([public])
    finally:
        await installation.stop()
        if monitor is not None:
            await monitor.stop()


def _orphaned(loop: asyncio.AbstractEventLoop, lifeline: int, server: Listener) -> None:
    loop.remove_reader(lifeline)
    log.error("the parent of the workers has gone")
    server.should_exit = True


def _monitor(installation: Installation) -> Monitor | None:
    config = installation.config
    if config.metrics_port is None:
        return None
    return Monitor(installation.probes, config.metrics_host, config.metrics_port)
