"""One Redis server as a gateway uses it: what it subscribes to and publishes there.

A task of its own brings the two connections up, and up again. Nothing is believed
because no error was seen: once a second a probe is published and must come back over
the subscription, through Redis itself. Three that do not, and everything is made anew.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final

import hiredis

from chatd import metrics
from chatd.bus.redis.address import Address, Redis
from chatd.bus.redis.link import (
    CONNECT_S,
    Link,
    LinkLost,
    Receiver,
    Take,
    Word,
    connect,
)
from chatd.clock import Clock
from chatd.telemetry import log

PROBE_S: Final = 1.0
PROBES_MISSED: Final = 3

DEADLINE_S: Final = 0.2
"""For an answer to a publication; while one is overdue nothing more is published."""

BACKOFF_S: Final = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Between attempts to connect: a Redis that returns is found within a second."""

SUBSCRIBE_MAX: Final = 512
"""Channels named in one command, so that Redis is never long at one."""

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wiring:
    """What all servers of a bus have in common.

    Attributes:
        on_message: called with a channel and what was published on it; never raises.
        report: told in one word why announcements may have been lost.
        moved: called when a server may not be the one for its channels any more.
        own: the channel of a partition by which this gateway hears itself.
        probe: makes a message for such a channel.
    """

    redis: Redis
    clock: Clock
    on_message: Take
    report: Report
    moved: Callable[[], None]
    own: Callable[[int], bytes]
    probe: Callable[[bytes], bytes]


class Node:
    """One server. `serve` works until it is cancelled.

    Attributes:
        partition: one of those that it has, for its probes.
    """

    def __init__(
        self, wiring: Wiring, address: Address, partition: int, *, sharded: bool
    ) -> None:
        self.address = address
        self.partition = partition
        self.own = wiring.own(partition)
        self._wiring = wiring
        self._redis = wiring.redis
        self._clock = wiring.clock
        self._report = wiring.report
        self._sharded = sharded
        self._wanted: dict[bytes, int] = {}
        self._asked: dict[bytes, int] = {}
        self._changed: dict[bytes, int] = {}
        self._flushing = False
        self._commands: Link | None = None
        self._receiver: Receiver | None = None
        self._ready = asyncio.Event()
        self._unheard = 0

    # ------------------------------------------------------------ what is wanted

    def want(self, channel: bytes, partition: int) -> None:
        """Subscribe to it, now and after every reconnect."""
        self._wanted[channel] = partition
        self._change(channel, partition)

    def unwant(self, channel: bytes, partition: int) -> None:
        """Do so no more."""
        self._wanted.pop(channel, None)
        self._change(channel, partition)

    def confirms(self, channel: bytes) -> bool:
        """Whether Redis has confirmed the subscription."""
        return self._receiver is not None and channel in self._receiver.confirmed

    @property
    def settled(self) -> bool:
        """Whether Redis has confirmed all that is wanted, and nothing else."""
        receiver = self._receiver
        return receiver is not None and (
            receiver.confirmed == {self.own, *self._wanted}
        )

    @property
    def up(self) -> bool:
        """Whether it answers."""
        return self._commands is not None and not self._commands.closed

    def publish(self, channel: bytes, data: bytes) -> str | None:
        """Send it, if that can be done at once. Returns why not, in one word."""
        link = self._commands
        if link is None or link.closed:
            return "disconnected"
        if link.mute_s > DEADLINE_S:
            return "deadline"
        if link.full:
            return "queue_full"
        link.post(b"SPUBLISH" if self._sharded else b"PUBLISH", channel, data)
        return None

    def post(self, *words: Word) -> None:
        """Send a command if that can be done at once; its answer interests nobody."""
        link = self._commands
        if link is not None and not (
            link.closed or link.full or link.mute_s > DEADLINE_S
        ):
            link.post(*words)

    async def call(self, *words: Word) -> object:
        """The answer to a command; the caller has the deadline.

        Raises:
            LinkLost: the server does not answer.
            hiredis.ReplyError: it refused.
        """
        link = self._commands
        if link is None or link.closed or link.mute_s > DEADLINE_S:
            raise LinkLost("not connected")
        return await link.call(*words)

    def heard(self) -> None:
        """A probe came back."""
        self._unheard = 0

    # ---------------------------------------------------------------------- work

    async def serve(self) -> None:
        """Keep the connections up, for ever."""
        failures, served = 0, False
        while True:
            try:
                await self._connect()
                if served:
                    metrics.BUS_RECONNECTS.inc()
                # Whatever was said while nobody listened is lost.
                self._report("connected")
                failures, served = 0, True
                await self._watch()
            except (OSError, hiredis.HiredisError) as error:
                if not failures:
                    where, what = str(self.address), type(error).__name__
                    log.warning("bus lost", redis=where, error=what)
            finally:
                self._disconnect()
            self._wiring.moved()
            self._report("disconnected")
            await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
            failures += 1

    async def _connect(self) -> None:
        """Return once Redis has confirmed every subscription."""
        commands = Link(self._clock)
        receiver = Receiver(
            self._clock, self._wiring.on_message, self._confirm, self._gone
        )
        await connect(self._redis, self.address, commands)
        self._commands = commands
        await connect(self._redis, self.address, receiver)
        self._receiver = receiver
        self._asked.clear()
        self._ready.clear()
        self._subscribe(self._wanted.items())
        # The last one: Redis confirms in order.
        receiver.subscribe(self.own, sharded=self._sharded)
        async with asyncio.timeout(CONNECT_S):
            await self._ready.wait()

    def _disconnect(self) -> None:
        for link in (self._commands, self._receiver):
            if link is not None:
                link.close()
        self._commands = self._receiver = None

    async def _watch(self) -> None:
        """Raises when the connections are no longer any good."""
        commands, receiver = self._commands, self._receiver
        if commands is None or receiver is None:
            return
        self._unheard = 0
        missing: set[bytes] = set()
        while not (commands.closed or receiver.closed):
            self._unheard += 1
            if self._unheard > PROBES_MISSED:
                raise LinkLost("probes do not come back")
            if (
                refused := self.publish(self.own, self._wiring.probe(self.own))
            ) is not None:
                metrics.BUS_DROPPED.labels(refused).inc()
            if await is_replica(commands):
                # Demoted, or detached: the others are somewhere else by now.
                raise LinkLost("a replica")
            missing = self._ask_again(missing)
            await asyncio.wait(
                (commands.lost, receiver.lost),
                timeout=PROBE_S,
                return_when=asyncio.FIRST_COMPLETED,
            )
        raise LinkLost("the connection ended")

    # ------------------------------------------------------------- subscriptions

    def _change(self, channel: bytes, partition: int) -> None:
        self._changed[channel] = partition
        if not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        """Ask for what has come and gone since the last turn of the loop."""
        self._flushing = False
        changed, self._changed = self._changed, {}
        receiver = self._receiver
        if receiver is None or receiver.closed:
            return  # connecting will ask for all that is wanted
        gone = {
            one: partition
            for one, partition in changed.items()
            if one in self._asked and one not in self._wanted
        }
        for channels in batches(gone.items(), sharded=self._sharded):
            receiver.unsubscribe(*channels, sharded=self._sharded)
        for channel in gone:
            del self._asked[channel]
        fresh = {
            one: partition
            for one, partition in changed.items()
            if one in self._wanted and one not in self._asked
        }
        self._subscribe(fresh.items())

    def _subscribe(self, channels: Iterable[tuple[bytes, int]]) -> None:
        receiver = self._receiver
        if receiver is None or receiver.closed:
            return
        asked = dict(channels)
        for batch in batches(asked.items(), sharded=self._sharded):
            receiver.subscribe(*batch, sharded=self._sharded)
        self._asked |= asked

    def _ask_again(self, missing: set[bytes]) -> set[bytes]:
        """Ask anew for what has been missing since the last look.

        A subscription may be refused while a slot moves; nothing else would repeat it.
        """
        receiver = self._receiver
        if receiver is None or len(receiver.confirmed) == len(self._wanted) + 1:
            return set()
        still = {one for one in self._wanted if one not in receiver.confirmed}
        self._subscribe((one, self._wanted[one]) for one in still & missing)
        return still

    def _confirm(self, channel: bytes) -> None:
        if channel == self.own:
            self._ready.set()
        elif self._ready.is_set():
            # What was said since its members were read may have been missed.
            self._report("subscribed")

    def _gone(self, channel: bytes, error: bytes) -> None:
        if error:
            log.warning("bus subscription refused", error=error.split(b" ")[0].decode())
        self._asked.pop(channel, None)
        self._report("moved")
        self._wiring.moved()


async def is_replica(commands: Link) -> bool:
    """Whether this server follows another one, whose listeners it does not reach.

    Raises:
        OSError: it does not answer.
    """
    async with asyncio.timeout(PROBE_S * PROBES_MISSED):
        try:
            role = await commands.call("ROLE")
        except hiredis.ReplyError:
            return False  # some hosters do not let one ask
    return isinstance(role, list) and role[0] != b"master"


def batches(
    channels: Iterable[tuple[bytes, int]], *, sharded: bool
) -> Iterable[list[bytes]]:
    """Channels by the commands that name them: of one partition where slots count."""
    together: dict[int, list[bytes]] = {}
    for channel, partition in channels:
        together.setdefault(partition if sharded else 0, []).append(channel)
    for found in together.values():
        rest = iter(found)
        while batch := list(islice(rest, SUBSCRIBE_MAX)):
            yield batch
