"""Who is cut off from the database alone sends its clients to where it is not."""

from dataclasses import dataclass, field

import pytest

from chatd.domain.announcements import Announcement, Logged, PersonalMoved
from chatd.operating.health import STORE, Check, Health
from chatd.operating.isolation import CHECK_S, PATIENCE_S, Isolation
from tests.support.house import HandClock

NEWS = Logged("school", "room", 7, "message.created")


@dataclass
class Gateway:
    """One whose database can be cut off."""

    clock: HandClock = field(default_factory=HandClock)
    connected: bool = False
    moves: int = 0

    def __post_init__(self) -> None:
        health = Health(self.clock, [Check(STORE, self.answers)])
        self.isolation = Isolation(self.clock, health, self.move)

    async def answers(self) -> bool:
        return self.connected

    async def move(self) -> None:
        self.moves += 1

    async def live(self, seconds: float, *news: Announcement) -> None:
        """The checks of some seconds; at the end of each, `news` come over the bus."""
        for _ in range(int(seconds / CHECK_S)):
            await self.isolation.check()
            self.clock.at_ms += int(CHECK_S * 1000)
            self.isolation.listen(news)
        await self.isolation.check()


async def test_who_is_cut_off_alone_sends_away_once() -> None:
    """Its clients could say nothing, though the next gateway would take it (row 11)."""
    gateway = Gateway()
    await gateway.live(PATIENCE_S - CHECK_S, NEWS)
    assert gateway.moves == 0
    await gateway.live(CHECK_S, NEWS)
    assert gateway.moves == 1
    # Whoever comes in spite of it is sent away later, not at once again.
    await gateway.live(PATIENCE_S - CHECK_S, NEWS)
    assert gateway.moves == 1


@pytest.mark.parametrize(
    "news",
    [
        pytest.param((), id="nothing"),
        pytest.param((PersonalMoved("school", "anna", 3),), id="nothing of the log"),
    ],
)
async def test_where_nobody_has_the_database_nobody_moves(
    news: tuple[Announcement, ...],
) -> None:
    """A restart of the database would make everybody connect anew."""
    gateway = Gateway()
    await gateway.live(5 * PATIENCE_S, *news)
    assert gateway.moves == 0


async def test_a_database_that_came_back_moves_nobody() -> None:
    """The cut of yesterday would count."""
    gateway = Gateway()
    await gateway.live(PATIENCE_S - CHECK_S, NEWS)
    gateway.connected = True
    await gateway.live(CHECK_S, NEWS)
    gateway.connected = False
    await gateway.live(PATIENCE_S - CHECK_S, NEWS)
    assert gateway.moves == 0
