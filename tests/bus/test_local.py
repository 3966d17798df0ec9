"""The bus of a single process."""

from collections.abc import Sequence

import pytest

from chatd.bus.local import LocalBus
from chatd.domain.announcements import Announcement, PersonalMoved

NEWS = (PersonalMoved("demo", "anna", 7),)


def test_every_listener_hears_everything_in_order() -> None:
    """An event would reach some gateways' clients and not others."""
    bus, heard = LocalBus(), []
    for name in ("first", "second"):

        def listen(news: Sequence[Announcement], name: str = name) -> None:
            heard.append((name, tuple(news)))

        bus.subscribe(listen)
    bus.publish(NEWS)
    assert heard == [("first", NEWS), ("second", NEWS)]


def test_a_failing_listener_harms_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    """One bug in a listener would cost an acknowledged send its event."""
    bus, heard = LocalBus(), []

    def fail(news: Sequence[Announcement]) -> None:
        raise LookupError("a bug")

    def listen(news: Sequence[Announcement]) -> None:
        heard.append(tuple(news))

    bus.subscribe(fail)
    bus.subscribe(listen)
    bus.publish(NEWS)
    assert heard == [NEWS]
    said = capsys.readouterr()
    assert "bus listener failed" in said.out + said.err
