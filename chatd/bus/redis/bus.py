"""The bus between gateways: local listeners at once, all others through Redis.

Redis holds nothing that counts. A publication waits for nobody: it goes into a bounded
queue, which a task empties after the answers to the callers have left. Whatever cannot
be sent at once is dropped, counted, and told of by a word that can be sent later; the
others then compare heads with the store.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

from chatd import failpoints, metrics
from chatd.bus.interface import Doubt, Kind, Listener
from chatd.bus.local import LocalBus
from chatd.bus.redis.address import Redis
from chatd.bus.redis.channels import PARTITIONS, Channels
from chatd.bus.redis.envelopes import (
    Envelopes,
    Item,
    Lost,
    Probe,
    Rejected,
    channel_of,
    item,
)
from chatd.bus.redis.leases import RedisLeases
from chatd.bus.redis.node import Wiring
from chatd.bus.redis.topology import Topology
from chatd.clock import Clock
from chatd.domain.announcements import Announcement, Logged
from chatd.telemetry import log, spans, spawn

QUEUE_MAX: Final = 20_000
"""Announcements that wait to be sent: what a roster of thousands makes at once."""

ITEMS_MAX: Final = 200
"""Announcements in one envelope."""

ENVELOPES_PER_TURN: Final = 100
"""Sealed in one turn of the loop: about a millisecond."""


class RedisBus:
    """The bus of one gateway."""

    def __init__(self, redis: Redis, secret: bytes, clock: Clock) -> None:
        self._clock = clock
        self._channels = Channels(secret)
        self._envelopes = Envelopes(secret, clock)
        self._here = LocalBus()
        self._doubts: list[Doubt] = []
        self._queue: deque[Announcement] = deque()
        self._news = asyncio.Event()
        self._since_s: float | None = None
        self._owes = False
        self._tasks: set[asyncio.Task[None]] = set()
        self.topology = Topology(
            Wiring(
                redis,
                clock,
                on_message=self._take,
                report=self._doubt,
                moved=lambda: None,
                own=lambda one: self._channels.probe(one, self._envelopes.gateway),
                probe=self._probe,
            )
        )
        self.leases = RedisLeases(
            self.topology, self._channels, self._envelopes.gateway
        )
        for partition in range(PARTITIONS):
            self.topology.want(self._channels.everyone(partition), partition)

    @property
    def channels(self) -> Channels:
        """The names of this deployment."""
        return self._channels

    def subscribe(self, listener: Listener) -> None:
        """From now on, call `listener` with every batch; it must not block."""
        self._here.subscribe(listener)

    def publish(self, announcements: Sequence[Announcement]) -> None:
        """Tell the listeners here at once, in order, and all others a moment later."""
        self._here.publish(announcements)
        if self._since_s is None:
            self._since_s = self._clock.monotonic()
        free = QUEUE_MAX - len(self._queue)
        self._queue.extend(announcements[:free])
        if free < len(announcements):
            self._dropped("queue_full", len(announcements) - free)
        self._news.set()

    def follow(self, kind: Kind, tenant: str, id_: str) -> None:
        """Somebody here wants what others announce of this."""
        partition, channel = self._channels.of(kind, tenant, id_)
        self.topology.want(channel, partition)

    def unfollow(self, kind: Kind, tenant: str, id_: str) -> None:
        """Nobody here does any more."""
        partition, channel = self._channels.of(kind, tenant, id_)
        self.topology.unwant(channel, partition)

    def on_doubt(self, doubt: Doubt) -> None:
        """Call this whenever announcements of others may have been lost."""
        self._doubts.append(doubt)

    async def start(self) -> None:
        """Begin to work; returns at once, whether Redis answers or not."""
        spawn(self._tasks, self.topology.serve(), "bus topology")
        spawn(self._tasks, self._send_all(), "bus publisher")
        spawn(self._tasks, self.leases.renew(), "bus leases")

    async def stop(self) -> None:
        """End all work; what was not sent yet is lost, as hints may be."""
        await self.leases.stop()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -------------------------------------------------------------------- sending

    async def _send_all(self) -> None:
        while True:
            await self._news.wait()
            # The answers to the callers leave in this turn and the next.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            self._news.clear()
            try:
                await failpoints.reach_async("after_ack_before_publish")
                await self._send_queue()
                await failpoints.reach_async("after_publish")
            except failpoints.FailpointReached:
                self._queue.clear()
            except Exception:  # noqa: BLE001 - one bad announcement must not end the bus
                log.exception("bus cannot publish")
                self._dropped("failed", 1)

    async def _send_queue(self) -> None:
        batch, self._queue = self._queue, deque()
        since_s, self._since_s = self._since_s, None
        by_channel: dict[tuple[int, bytes], list[Item]] = {}
        for announcement in batch:
            if (told := item(announcement)) is not None:
                where = channel_of(self._channels, announcement)
                by_channel.setdefault(where, []).append(told)
        sealed = 0
        for (partition, channel), items in by_channel.items():
            for start in range(0, len(items), ITEMS_MAX):
                self._send(partition, channel, items[start : start + ITEMS_MAX])
                sealed += 1
                if sealed % ENVELOPES_PER_TURN == 0:
                    await asyncio.sleep(0)
        for announcement in batch:
            if since_s is not None and isinstance(announcement, Logged):
                spans.followed(announcement.origin, "bus.publish", since_s)

    def _send(self, partition: int, channel: bytes, items: Sequence[Item]) -> None:
        node = self.topology.node(partition)
        if node is None:
            self._dropped("disconnected", len(items))
            return
        reason = node.publish(channel, self._envelopes.seal(channel, items))
        if reason is not None:
            self._dropped(reason, len(items))

    def _dropped(self, reason: str, count: int) -> None:
        metrics.BUS_DROPPED.labels(reason).inc(count)
        self._owes = True

    def _probe(self, channel: bytes) -> bytes:
        """Made once a second for each node that is up."""
        if self._owes:
            self._owes = False
            self._send(0, self._channels.everyone(0), [Lost()])
        return self._envelopes.seal(channel, [Probe(self._clock.monotonic())])

    # ------------------------------------------------------------------ receiving

    def _take(self, channel: bytes, data: bytes) -> None:
        """Something was published on a channel. Never raises."""
        own = self._envelopes.is_own(data)
        if own and channel not in self.topology.own:
            return
        try:
            told = self._envelopes.open(channel, data)
        except Rejected as rejected:
            metrics.BUS_DROPPED.labels(str(rejected)).inc()
            self._doubt("envelope")
            return
        news: list[Announcement] = []
        for one in told:
            if isinstance(one, Probe):
                if own:
                    self._heard(channel, one)
            elif isinstance(one, Lost):
                self._doubt("peer")
            else:
                news.append(one)
        if news:
            self._here.publish(news)

    def _heard(self, channel: bytes, probe: Probe) -> None:
        metrics.BUS_LAG_SECONDS.observe(self._clock.monotonic() - probe.at_s)
        self.topology.own[channel].heard()

    def _doubt(self, why: str) -> None:
        if why == "connected":
            # It may have been restarted, and know nobody.
            spawn(self._tasks, self.leases.tell_all(), "bus leases told")
        for doubt in self._doubts:
            doubt(why)
