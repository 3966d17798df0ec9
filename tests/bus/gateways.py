"""The bus of one gateway, what it heard and what it doubted."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from chatd.bus.redis.address import parse
from chatd.bus.redis.bus import RedisBus
from chatd.clock import SystemClock
from chatd.domain.announcements import Announcement, PersonalMoved
from tests.support.waiting import wait_until

SECRET = b"a secret that all gateways share"
TENANT = "school"


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
        await wait_until(lambda: all(map(self.follows, people)), what=f"{people}")

    def follows(self, person: str) -> bool:
        """Whether Redis has confirmed it."""
        partition, channel = self.bus.channels.of("person", TENANT, person)
        node = self.bus.topology.node(partition)
        return node is not None and node.confirms(channel)

    def tell(self, person: str, seq: int) -> None:
        """Announce a person's position."""
        self.bus.publish([PersonalMoved(TENANT, person, seq)])

    async def hears(self, *seqs: int) -> None:
        """Waits until it has heard just this of people."""
        await wait_until(lambda: len(self.personal) >= len(seqs), 15, f"{seqs}")
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
