"""The bus of a single process; see test_interface.py for what every bus does."""

from chatd.bus.local import LocalBus
from chatd.domain.announcements import Announcement, PersonalMoved


def test_it_needs_no_loop() -> None:
    """A command that only writes to the store would have to start a server."""
    bus = LocalBus()
    heard: list[Announcement] = []
    bus.subscribe(heard.extend)
    bus.publish([PersonalMoved("demo", "anna", 7)])
    assert heard == [PersonalMoved("demo", "anna", 7)]
