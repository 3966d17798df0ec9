"""Who is connected where, and what was spent, in Redis: for seconds, and for comfort.

A person's connections are a hash of gateways, each with a count and when it ends; a
gateway that dies is forgotten within a lease. A bucket is a hash of a level and a time
by Redis' own clock. Each gateway counts by itself first and tells afterwards, so Redis
is never asked before a deed, and two gateways together may let through what comes
within `SETTLE_S` twice, no more.

Whoever can write to Redis can make a person look present or spent, and nothing else.
"""

import asyncio
from collections.abc import Collection, Mapping
from typing import Final

import hiredis

from chatd.bus.leases import Key, Rate, Settled
from chatd.bus.redis.channels import Channels
from chatd.bus.redis.topology import Topology
from chatd.telemetry import spawn

LEASE_S: Final = 30
"""How long somebody seems to be connected to a gateway that was killed."""

RENEW_S: Final = 10.0

SETTLE_S: Final = 0.1
"""How long tokens are counted here before the others are told: one message per person
and bucket then, however much is spent."""

ANSWER_S: Final = 0.2
"""How long a connection waits to hear of others of its person."""

PEOPLE_PER_TURN: Final = 200

_SEAT: Final = """
local t = redis.call('TIME')
local now, others = t[1] * 1000 + math.floor(t[2] / 1000), 0
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local count, ends = string.match(all[i + 1], '^(%d+) (%d+)$')
  if not ends or tonumber(ends) < now then redis.call('HDEL', KEYS[1], all[i])
  elseif all[i] ~= ARGV[1] then others = others + tonumber(count) end
end
if ARGV[2] == '0' then redis.call('HDEL', KEYS[1], ARGV[1])
elseif ARGV[2] ~= '' then
  local ends = string.format('%d', now + ARGV[3])
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ends)
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return others
"""
"""Of (gateway, count or nothing to say, lease in ms): the connections elsewhere."""

_SPEND: Final = """
local t = redis.call('TIME')
local now, rate, burst = t[1] + t[2] / 1000000, tonumber(ARGV[2]), tonumber(ARGV[3])
local kept = redis.call('HMGET', KEYS[1], 'level', 'at')
local level = tonumber(kept[1]) or burst
level = math.min(burst, level + math.max(0, now - (tonumber(kept[2]) or now)) * rate)
level = math.max(-burst, level - ARGV[1])
redis.call('HSET', KEYS[1], 'level', tostring(level), 'at', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], math.ceil((burst - level) / rate) + 1)
return tostring(level)
"""
"""Of (tokens, tokens per second, burst): the level, below 0 when too much was spent.
Never below an empty bucket turned over, so that nobody is locked out for long."""

Bucket = tuple[Key, str]


class RedisLeases:
    """One gateway's share."""

    def __init__(self, topology: Topology, channels: Channels, gateway: bytes) -> None:
        self._topology = topology
        self._channels = channels
        self._gateway = gateway.hex()
        self._held: dict[Key, int] = {}
        self._changed: dict[Key, None] = {}
        self._spent: dict[Bucket, tuple[int, Rate]] = {}
        self._settling = False
        self._settled: list[Settled] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def hold(self, person: Key, connections: int) -> None:
        """Say how many connections somebody has here, from now on."""
        if connections:
            self._held[person] = connections
        else:
            self._held.pop(person, None)
        if not self._changed:
            asyncio.get_running_loop().call_soon(self._tell)
        self._changed[person] = None

    async def elsewhere(self, people: Collection[Key]) -> Mapping[Key, int]:
        """How many connections these have at other gateways, as far as Redis says."""
        asked = tuple(people)
        answers = await asyncio.gather(*map(self._count, asked))
        found = zip(asked, answers, strict=True)
        return {person: count for person, count in found if isinstance(count, int)}

    def spend(self, person: Key, bucket: str, rate: Rate) -> None:
        """Say that a token was taken out of somebody's bucket here."""
        spent, _ = self._spent.get((person, bucket), (0, rate))
        self._spent[person, bucket] = (spent + 1, rate)
        if not self._settling:
            self._settling = True
            asyncio.get_running_loop().call_later(SETTLE_S, self._settle)

    def on_settled(self, settled: Settled) -> None:
        """Call this a moment after something was spent."""
        self._settled.append(settled)

    async def renew(self) -> None:
        """Say again who is here, for ever."""
        while True:
            await asyncio.sleep(RENEW_S)
            await self.tell_all()

    async def tell_all(self) -> None:
        """Say once who is here: a Redis that was restarted knows nobody."""
        for number, person in enumerate(tuple(self._held)):
            self._post_seat(person)
            if number % PEOPLE_PER_TURN == PEOPLE_PER_TURN - 1:
                await asyncio.sleep(0)

    async def stop(self) -> None:
        """End all work; leases end by themselves."""
        self._settled.clear()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -------------------------------------------------------------- connections

    def _tell(self) -> None:
        changed, self._changed = self._changed, {}
        for person in changed:
            self._post_seat(person)

    def _post_seat(self, person: Key) -> None:
        partition, key = self._channels.key("seat", *person)
        node = self._topology.node(partition)
        if node is not None:
            count = str(self._held.get(person, 0))
            node.post(*self._words(key, count))

    def _words(self, key: bytes, count: str) -> tuple[str | bytes | int, ...]:
        return ("EVAL", _SEAT, 1, key, self._gateway, count, LEASE_S * 1000)

    async def _count(self, person: Key) -> object:
        partition, key = self._channels.key("seat", *person)
        return await self._ask(partition, *self._words(key, ""))

    # ------------------------------------------------------------------- tokens

    def _settle(self) -> None:
        self._settling = False
        spent, self._spent = self._spent, {}
        for (person, bucket), (tokens, rate) in spent.items():
            work = self._settle_one(person, bucket, tokens, rate)
            spawn(self._tasks, work, "bus settles a bucket")

    async def _settle_one(
        self, person: Key, bucket: str, tokens: int, rate: Rate
    ) -> None:
        partition, key = self._channels.key(bucket, *person)
        fill = (tokens, rate.per_second, rate.burst)
        level = await self._ask(partition, "EVAL", _SPEND, 1, key, *fill)
        if not isinstance(level, bytes):
            return
        since, _ = self._spent.get((person, bucket), (0, rate))
        for settled in self._settled:
            settled(person, bucket, float(level) - since)

    async def _ask(self, partition: int, *words: str | bytes | float) -> object | None:
        """The answer; None when there is none in time."""
        node = self._topology.node(partition)
        if node is None:
            return None
        try:
            async with asyncio.timeout(ANSWER_S):
                return await node.call(*words)
        except (OSError, hiredis.ReplyError):
            return None
