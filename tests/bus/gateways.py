"""The bus of one gateway, what it heard and what it doubted."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from chatd.bus.interface import Kind
from chatd.bus.redis import leases, node
from chatd.bus.redis.address import parse
from chatd.bus.redis.bus import RedisBus
from chatd.clock import SystemClock
from chatd.domain.announcements import Announcement, PersonalMoved
from tests.support.waiting import wait_until

PATIENCE_S = 20.0
SECRET = b"a secret that all gateways share"
TENANT = "school"


def be_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has buses wait for a Redis that has no processor; a dead one is noticed at once.

    What is about a Redis that is mute sets the one limit that it is about.
    """
    monkeypatch.setattr(node, "DEADLINE_S", PATIENCE_S)
    monkeypatch.setattr(node, "PROBES_MISSED", int(PATIENCE_S / node.PROBE_S))
    monkeypatch.setattr(leases, "ANSWER_S", PATIENCE_S)


class Gateway:
    """A bus under observation."""

    def __init__(self, bus: RedisBus) -> None:
        self.bus = bus
        self.heard: list[Announcement] = []
        self.doubts: list[str] = []
        bus.subscribe(self._listen)
        bus.on_doubt(self.doubts.append)

    def _listen(self, news: Sequence[Announcement]) -> None:
        self.heard.extend(news)

    @property
    def personal(self) -> list[int]:
        """Positions of persons that it heard of."""
        return [
            one.personal_seq for one in self.heard if isinstance(one, PersonalMoved)
        ]

    async def up(self) -> None:
        """Returns once Redis answers."""
        await wait_until(lambda: self.bus.topology.up, what="Redis answers")

    async def following(self, *people: str) -> None:
        """Follow these people, from now on in fact."""
        for person in people:
            self.bus.follow("person", TENANT, person)

        def here() -> bool:
            # Said last: nothing of the beginning is left to be doubted later.
            return "connected" in self.doubts and all(map(self.follows, people))

        await wait_until(here, what=f"{people}")

    def follows(self, id_: str, kind: Kind = "person") -> bool:
        """Whether Redis has confirmed it."""
        partition, channel = self.bus.channels.of(kind, TENANT, id_)
        node = self.bus.topology.node(partition)
        return node is not None and node.confirms(channel)

    def tell(self, person: str, seq: int) -> None:
        """Announce a person's position."""
        self.bus.publish([PersonalMoved(TENANT, person, seq)])

    async def hears(self, *seqs: int) -> None:
        """Waits until it has heard just this of people."""
        await wait_until(lambda: len(self.personal) >= len(seqs), what=f"{seqs}")
        assert self.personal == list(seqs)


@asynccontextmanager
async def open_gateway(url: str, secret: bytes = SECRET) -> AsyncIterator[Gateway]:
    """A running bus."""
    gateway = Gateway(RedisBus(parse(url), secret, SystemClock()))
    await gateway.bus.start()
    try:
        yield gateway
    finally:
        await gateway.bus.stop()
