"""Which server has which partition: one alone, or the masters of a Cluster.

A task per server keeps its connections; one more asks where the slots are, at the
start, every few seconds, and whenever a server is lost or ends a subscription.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import hiredis

from chatd.bus.redis.address import Address
from chatd.bus.redis.channels import PARTITIONS, slot_of, tags
from chatd.bus.redis.link import CONNECT_S, Link, LinkLost, connect
from chatd.bus.redis.node import BACKOFF_S, Node, Wiring, is_replica
from chatd.telemetry import log, spawn

LOOK_AGAIN_S: Final = 10.0
"""Between looks at a Cluster's slots when nothing hints at a change."""

SOONEST_S: Final = 0.25
"""Between looks when much hints at one."""


class Topology:
    """The servers, and what is wanted of them.

    Attributes:
        own: the channels by which this gateway hears itself, with the servers that they
            watch.
    """

    def __init__(self, wiring: Wiring) -> None:
        self._look = asyncio.Event()
        self._wiring = replace(wiring, moved=self._look.set)
        self._redis = wiring.redis
        self._clock = wiring.clock
        self._wanted: list[dict[bytes, None]] = [{} for _ in range(PARTITIONS)]
        self._owners: list[Node | None] = [None] * PARTITIONS
        self._nodes: dict[Address, Node] = {}
        self._serving: dict[Address, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.own: dict[bytes, Node] = {}

    def node(self, partition: int) -> Node | None:
        """The server of a partition; None while it is not known."""
        return self._owners[partition]

    @property
    def up(self) -> bool:
        """Whether every partition's server answers."""
        return all(node is not None and node.up for node in self._owners)

    @property
    def settled(self) -> bool:
        """Whether every subscription that is wanted has been confirmed."""
        return all(node is not None and node.settled for node in set(self._owners))

    def want(self, channel: bytes, partition: int) -> None:
        """Subscribe to a channel, wherever it is now and later."""
        self._wanted[partition][channel] = None
        if (node := self._owners[partition]) is not None:
            node.want(channel, partition)

    def unwant(self, channel: bytes, partition: int) -> None:
        """Do so no more."""
        self._wanted[partition].pop(channel, None)
        if (node := self._owners[partition]) is not None:
            node.unwant(channel, partition)

    async def serve(self) -> None:
        """Keep track, for ever."""
        try:
            failures = 0
            while True:
                self._look.clear()
                owners = await self._ask()
                if owners is None:
                    failures += 1
                    pause = BACKOFF_S[min(failures, len(BACKOFF_S)) - 1]
                    await asyncio.sleep(pause)
                    continue
                failures = 0
                self._assign(*owners)
                await asyncio.sleep(SOONEST_S)
                try:
                    async with asyncio.timeout(LOOK_AGAIN_S):
                        await self._look.wait()
                except TimeoutError:
                    pass
        finally:
            for task in tuple(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    # --------------------------------------------------------------------- asking

    async def _ask(self) -> tuple[list[Address | None], bool] | None:
        """The server of each partition and whether it is a Cluster; None: unknown."""
        for address in dict.fromkeys((*self._nodes, *self._redis.seeds)):
            link = Link(self._clock)
            try:
                await connect(self._redis, address, link)
                async with asyncio.timeout(CONNECT_S):
                    return await _look(link, address)
            except (OSError, hiredis.HiredisError) as error:
                what = type(error).__name__
                log.info("bus looks elsewhere", redis=str(address), error=what)
            finally:
                link.close()
        return None

    def _assign(self, owners: Sequence[Address | None], sharded: bool) -> None:
        """Move what is wanted to whoever has it now."""
        for node in tuple(self._nodes.values()):
            # One that has lost the partition of its probes would never hear them.
            if owners[node.partition] not in (None, node.address):
                self._end(node.address)
        for partition, address in enumerate(owners):
            before = self._owners[partition]
            if address is None or (before is not None and before.address == address):
                continue  # the same, or nobody for the moment: wait where it was
            new = self._nodes.get(address)
            if new is None:
                new = self._begin(address, partition, sharded=sharded)
            self._owners[partition] = new
            for channel in self._wanted[partition]:
                if before is not None:
                    before.unwant(channel, partition)
                new.want(channel, partition)
        needed = {node.address for node in self._owners if node is not None}
        for address in set(self._nodes) - needed:
            self._end(address)

    def _begin(self, address: Address, partition: int, *, sharded: bool) -> Node:
        node = Node(self._wiring, address, partition, sharded=sharded)
        self._nodes[address] = node
        self.own[node.own] = node
        self._serving[address] = spawn(self._tasks, node.serve(), f"bus {address}")
        return node

    def _end(self, address: Address) -> None:
        node = self._nodes.pop(address)
        del self.own[node.own]
        self._owners = [None if one is node else one for one in self._owners]
        self._serving.pop(address).cancel()


async def _look(link: Link, address: Address) -> tuple[list[Address | None], bool]:
    try:
        return _owners(await link.call("CLUSTER", "SLOTS"), address), True
    except hiredis.ReplyError as error:
        if "cluster support disabled" not in str(error):
            raise
    if await is_replica(link):
        raise LinkLost("a replica")
    return [address] * PARTITIONS, False


def _owners(slots: object, asked: Address) -> list[Address | None]:
    """The master of each partition's slot, out of the answer to `CLUSTER SLOTS`."""
    found: list[Address | None] = [None] * PARTITIONS
    wanted = [slot_of(tag) for tag in tags()]
    for first, last, master, *_replicas in slots if isinstance(slots, list) else ():
        host = master[0].decode() if master[0] else asked.host
        address = Address(host, int(master[1]))
        for partition, slot in enumerate(wanted):
            if first <= slot <= last:
                found[partition] = address
    return found
