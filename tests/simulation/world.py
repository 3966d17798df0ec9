"""One simulated deployment under faults: the same seed, the same history.

Some seconds of deeds and faults; then everything heals, and within the time that is
promised every device must have what the store has.
"""

import asyncio
import random
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, Final

import jwt
import structlog

from chatd.store.change import Change, Write
from chatd.store.conversations import CreateConversation
from chatd.store.members import NewMember
from chatd.store.people import PutPerson
from chatd.store.tenants import PutTenant
from tests.faults.checker import (
    FOREVER,
    Finding,
    History,
    Restarted,
    Shown,
    Span,
    Stored,
    check,
)
from tests.simulation.disk import Disk
from tests.simulation.gateways import (
    Gateway,
    SimulatedBus,
    SimulatedClock,
    Weather,
    foundation,
)
from tests.simulation.loop import SimulatedLoop
from tests.simulation.network import Link, Network
from tests.simulation.people import DEEDS, DEVICES, PEOPLE, Device
from tests.support.house import START_MS, TENANT
from tests.support.tokens import SECRET

ACTIVE_S: Final = 8.0
"""How long there are deeds and faults."""

WHOLE_S: Final = 15.0
"""Within this after healing who is connected is whole, at worst."""

BACK_S: Final = 120.0
"""Within this everybody is back: clients that failed often wait for long."""

DEEDS_PER_S: Final = 3.0
AT_ONCE: Final = (1, 1, 5)
"""How many deeds there are at one moment: what decides wrongly needs a crowd."""

FAULTS_PER_S: Final = 1.2
CONVERSATIONS: Final = {"c1": PEOPLE, "c2": PEOPLE[:3]}

QUIET: Final = frozenset({"warning", "info", "debug"})
EXPECTED: Final = frozenset({"commit failed"})


@dataclass
class Run:
    """What came of one seed.

    `behind_s` is how long, after all had healed, a device that stayed connected lacked
    something; within 0.25 s.
    """

    seed: int
    findings: list[Finding]
    history: History
    faults: list[str] = field(default_factory=list)
    behind_s: float = 0.0
    errors: list[MutableMapping[str, Any]] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether every promise was kept and nothing complained."""
        return not self.findings and not self.errors


class World:
    """All there is, for one seed."""

    def __init__(self, seed: int, gateways: int) -> None:
        self.draw = random.Random(seed)
        self.loop = SimulatedLoop()
        self.disk = Disk(self.draw, SimulatedClock(self.loop, 0))
        self.weather = Weather(self.draw)
        self.history = History()
        self.wire = History()
        self.gateways: list[Gateway] = []
        self.gone: list[Gateway] = []
        self.network = Network(self.loop, self.draw, self.gateways, self._wire)
        self.devices: list[Device] = []
        self.faults: list[str] = []
        self.behind_s = 0.0
        self._count = gateways
        self._started = 0
        self._shutting: list[Any] = []

    def start_gateway(self) -> None:
        self._started += 1
        # Several gateways keep their clocks within two seconds of the database's.
        wrong_by_ms = self.draw.choice((0, 0, -300_000, 300_000))
        if self._count > 1:
            wrong_by_ms //= 200

        def below(gateway: Gateway) -> Any:
            gateway.bus = SimulatedBus(
                gateway.process,
                lambda: [one for one in self.gateways if one is not gateway],
                self.weather,
            )
            return foundation(self.loop, self.disk, gateway.bus, wrong_by_ms)

        self.gateways.append(Gateway(self.loop, f"g{self._started}", below))

    def _remove(self, gateway: Gateway) -> None:
        self.gateways.remove(gateway)
        self.gone.append(gateway)

    def _wire(self, link: Link, event: dict) -> None:
        """What a client that repairs nothing would be shown."""
        if "seq" not in event:
            return
        view, name, seq = f"wire {link.number}", event["conversationId"], event["seq"]
        if (view, name) not in self._views:
            self._views[view, name] = None
            self.wire.users[view] = link.client.process.name.partition("-")[0]
            self.wire.shown.append(Restarted(view, name, seq - 1))
        kind = event["type"]
        if kind.startswith("message."):
            kind = f"{kind} {event['message']['id']}"
        self.wire.shown.append(Shown(view, name, seq, kind))

    # ------------------------------------------------------------------- a run

    async def live(self) -> None:
        self._views: dict[tuple[str, str], None] = {}
        for _ in range(self._count):
            self.start_gateway()
        await self._furnish()
        for name in DEVICES:
            self.devices.append(
                Device(
                    self.loop, name, token(name), self.network, self.history, self.draw
                )
            )
        await self._happen()
        await self._heal()

    async def _furnish(self) -> None:
        people: list[Write] = [
            PutPerson(one, one.title(), ("teacher" if one == "tina" else "student",))
            for one in PEOPLE
        ]
        rooms: list[Write] = [
            CreateConversation(
                id=name,
                kind="group",
                title=name,
                created_by="tina",
                members=tuple(NewMember(one) for one in members),
            )
            for name, members in CONVERSATIONS.items()
        ]
        store = self.gateways[0].installation.store
        writes = (PutTenant("School", "itslearning"), *people, *rooms)
        await store.commit(Change(TENANT, START_MS, writes))

    async def _happen(self) -> None:
        deeds, weights = list(DEEDS), list(DEEDS.values())
        faults, odds = list(FAULTS), list(FAULTS.values())
        end_s = self.loop.time() + ACTIVE_S
        rate = DEEDS_PER_S + FAULTS_PER_S
        while self.loop.time() < end_s:
            await asyncio.sleep(self.draw.expovariate(rate))
            if self.draw.random() * rate < FAULTS_PER_S:
                fault = self.draw.choices(faults, odds)[0]
                self.faults.append(f"{self.loop.time():.3f} {fault.__name__}")
                fault(self)
                continue
            conversation = self.draw.choice(tuple(CONVERSATIONS))
            for _ in range(self.draw.choice(AT_ONCE)):
                device = self.draw.choice(self.devices)
                deed = self.draw.choices(deeds, weights)[0]
                device.act(deed, conversation)

    async def _heal(self) -> None:
        self.disk.down, self.disk.slow = False, 1.0
        mend_bus(self)
        self.weather.lost, self.weather.doubled, self.weather.late_s = 0.0, 0.0, 0.02
        for gateway in self.gateways:
            gateway.process.resume()
        while len(self.gateways) < self._count:
            self.start_gateway()
        healed_s = last_s = self.loop.time()
        lines = {one.name: one.client._lifeline._connection for one in self.devices}
        behind_since: dict[str, float] = {}
        while self.loop.time() < healed_s + BACK_S:
            now_s, heads = self.loop.time(), self._heads()
            if any(one.busy or not one.whole for one in self.devices):
                last_s = now_s
            elif now_s > last_s + WHOLE_S:
                break
            for device in self.devices:
                # Who lost his connection meanwhile has to come back first.
                stayed = device.client._lifeline._connection is lines[device.name]
                if stayed and device.whole and self._is_behind(device, heads):
                    since_s = behind_since.setdefault(device.name, now_s)
                    self.behind_s = max(self.behind_s, now_s - since_s)
                else:
                    behind_since.pop(device.name, None)
            await asyncio.sleep(0.25)  # of the simulation's time

    def _heads(self) -> dict[tuple[str, str], int]:
        """Of each person's conversations: what there is to be had now."""
        rows = self._rows(
            "SELECT user_id, conversation_id, head_seq FROM membership JOIN"
            " conversation ON conversation.id = conversation_id WHERE left_seq IS NULL"
        )
        return {(user, name): head for user, name, head in rows}

    def _is_behind(self, device: Device, heads: dict[tuple[str, str], int]) -> bool:
        rooms = device.client.replica.rooms
        return any(
            name not in rooms or rooms[name].cursor < head
            for (user, name), head in heads.items()
            if user == device.user
        )

    # ----------------------------------------------------------------- findings

    def judge(self) -> list[Finding]:
        for history in (self.history, self.wire):
            history.log = list(self._log())
            history.seen = dict(self._seen())
        self.history.texts.update(self._texts())
        for device in self.devices:
            device.witness.close(
                [
                    name
                    for (user, name), spans in self.history.seen.items()
                    if user == device.user and spans[-1][1] == FOREVER
                ]
            )
            self.history.whole.add(device.name)
        self.wire.sent = self.history.sent
        return [*check(self.history), *check(self.wire)]

    def _rows(self, sql: str) -> list[tuple]:
        return self.disk.connection.execute(sql).fetchall()

    def _log(self) -> Any:
        for name, seq, kind, message, key, author in self._rows(
            "SELECT log.conversation_id, log.seq, log.kind, log.message_id,"
            " client_message_id, author_id FROM log LEFT JOIN message"
            " ON message.id = log.message_id AND message.seq = log.seq"
            " ORDER BY log.conversation_id, log.seq"
        ):
            content = f"{kind} {message}" if kind.startswith("message.") else kind
            yield Stored(name, seq, content, key, author)

    def _seen(self) -> Any:
        """By the rule itself and no code of the server's: the first stay reaches back
        to the beginning (ITS-70), and what lies between two stays is seen by nobody.
        """
        stays: dict[tuple[str, str], list[Span]] = {}
        for name, user, joined, left in self._rows(
            "SELECT conversation_id, user_id, joined_seq, left_seq FROM membership"
            " ORDER BY joined_seq"
        ):
            spans = stays.setdefault((user, name), [])
            last = FOREVER if left is None else left
            spans.append((joined if spans else 1, last))
        return stays

    def _texts(self) -> dict[str, dict[int, tuple[str, int]]]:
        texts: dict[str, dict[int, tuple[str, int]]] = {}
        for name, seq, text, changed_at in self._rows(
            "SELECT conversation_id, seq, coalesce(text, ''), last_event_seq"
            " FROM message"
        ):
            texts.setdefault(name, {})[seq] = text, changed_at
        return texts

    def end(self) -> None:
        self.network.over = True
        self.loop.end()


# ------------------------------------------------------------------------- faults


def kill_gateway(world: World) -> None:
    """SIGKILL, and another one in its place after a while."""
    if not world.gateways:
        return
    gateway = world.draw.choice(world.gateways)
    gateway.process.kill()
    _cut_all_of(world, gateway, world.draw.choice((0.0, 0.0, 2.0)))
    world._remove(gateway)
    back_s = world.draw.choice((0.05, 0.5, 3.0))
    world.loop.call_later(back_s, _replace, world)


def _cut_all_of(world: World, gateway: Gateway, after_s: float = 0.0) -> None:
    for link in tuple(world.network.links):
        if link.gateway is gateway:
            link.cut(after_s)


def _replace(world: World) -> None:
    if len(world.gateways) < world._count:
        world.start_gateway()


def drain_gateway(world: World) -> None:
    """A rolling restart: the new one is there before the old one goes."""
    candidates = [one for one in world.gateways if one.accepts]
    if not candidates:
        return
    gateway = world.draw.choice(candidates)
    world._remove(gateway)
    world.start_gateway()
    gateway.process.task(gateway.drain(partial(_cut_all_of, world)))


def pause_gateway(world: World) -> None:
    """SIGSTOP for a while; its sockets stay open."""
    gateway = world.draw.choice(world.gateways) if world.gateways else None
    if gateway is not None:
        gateway.process.pause()
        world.loop.call_later(world.draw.random() * 4, gateway.process.resume)


def break_disk(world: World) -> None:
    """Nothing can be read or written."""
    world.disk.down = True
    world.loop.call_later(world.draw.random() * 3, setattr, world.disk, "down", False)


def slow_disk(world: World) -> None:
    world.disk.slow = 30.0
    world.loop.call_later(world.draw.random() * 2, setattr, world.disk, "slow", 1.0)


def break_bus(world: World) -> None:
    """No hint arrives."""
    world.weather.down = True
    world.loop.call_later(world.draw.random() * 4, mend_bus, world)


def mend_bus(world: World) -> None:
    """Hints arrive again, and every gateway knows that some did not."""
    world.weather.down = False
    for gateway in world.gateways:
        gateway.process.soon(gateway.bus.doubt, "reconnected")


def worsen_bus(world: World) -> None:
    """Hints are lost, doubled, late, and so in another order."""
    world.weather.lost = world.draw.choice((0.0, 0.1, 0.5))
    world.weather.doubled = world.draw.choice((0.0, 0.3))
    world.weather.late_s = world.draw.choice((0.02, 0.2, 1.5))


def cut_link(world: World) -> None:
    """A connection is gone, and its client learns of it sooner or later."""
    if world.network.links:
        link = world.draw.choice(tuple(world.network.links))
        link.cut(world.draw.choice((0.0, 0.0, 3.0)))


def cut_all_links(world: World) -> None:
    """Everybody comes back at once."""
    for link in tuple(world.network.links):
        link.cut()


def stall_link(world: World) -> None:
    """A consumer is slow, perhaps too slow."""
    if world.network.links:
        link = world.draw.choice(tuple(world.network.links))
        link.stall(world.draw.choice((0.1, 1.0, 5.0)))


def reload_device(world: World) -> None:
    """An application is killed and started again."""
    world.draw.choice(world.devices).reload()


FAULTS: Final[dict[Callable[[World], None], int]] = {
    kill_gateway: 4,
    drain_gateway: 2,
    pause_gateway: 2,
    break_disk: 2,
    slow_disk: 2,
    break_bus: 2,
    worsen_bus: 4,
    cut_link: 6,
    cut_all_links: 1,
    stall_link: 3,
    reload_device: 2,
}


@lru_cache
def token(device: str) -> str:
    """A bearer token that is good for the whole run, by every gateway's clock."""
    start_s = START_MS // 1000
    claims = {
        "sub": device.partition("-")[0],
        "tenant": TENANT,
        "iat": start_s - 3_600,
        "exp": start_s + 86_400,
    }
    return jwt.encode(claims, SECRET, algorithm="HS256")


def run(seed: int, gateways: int = 2) -> Run:
    """One seed from beginning to end."""
    with structlog.testing.capture_logs() as logs:
        world = World(seed, gateways)
        try:
            world.loop.run_until_complete(world.live())
            findings = world.judge()
        finally:
            world.end()
    errors = [
        one
        for one in logs
        if one["log_level"] not in QUIET and one["event"] not in EXPECTED
    ]
    return Run(
        seed, findings, world.history, world.faults, world.behind_s, list(errors)
    )
