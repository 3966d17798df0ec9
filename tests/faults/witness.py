"""Writes down what one device shows, as it is shown, for the checker."""

from collections.abc import Callable, Collection, Sequence

from chatd_client import ChatClient
from chatd_client.replica import Replica, Reset, Update
from chatd_protocol.chat.events import (
    LogEvent,
    MessageCreated,
    MessageEdited,
    MessageRemoved,
)
from tests.faults.checker import FOREVER, Finding, History, Restarted, Shown


def content(event: LogEvent) -> str:
    """What an entry of a log is, apart from texts: those change when one is edited."""
    kind = str(type(event).__struct_config__.tag)
    if isinstance(event, MessageCreated | MessageEdited | MessageRemoved):
        return f"{kind} {event.message.id}"
    return kind


class Witness:
    """Stands between a replica and whoever reads its updates."""

    def __init__(
        self,
        history: History,
        device: str,
        user: str,
        replica: Replica,
        emit: Callable[[Sequence[Update]], None] = lambda _updates: None,
    ) -> None:
        self.device = device
        self._began: set[str] = set()
        self._history = history
        self._replica = replica
        self._emit = emit
        history.users[device] = user

    def emit(self, updates: Sequence[Update]) -> None:
        """Takes the place of the feed's `emit`."""
        for update in updates:
            if isinstance(update, Reset):
                self._began = {
                    name
                    for name in self._began
                    if update.conversation_id not in (None, name)
                }
            elif isinstance(update, LogEvent):
                self._show(update)
        self._emit(updates)

    def _show(self, event: LogEvent) -> None:
        name = event.conversation_id
        if name not in self._began:
            # What lies before is not shown as events: it is history, to be loaded.
            first = min(self._replica.rooms[name].complete_from, event.seq)
            self._history.shown.append(Restarted(self.device, name, first - 1))
            self._began.add(name)
        self._history.shown.append(Shown(self.device, name, event.seq, content(event)))

    def close(self, member_of: Collection[str]) -> None:
        """The end: what the device shows now, as far back as it has everything.

        It may have forgotten what its person is no member of any more.
        """
        for name in {event.conversation for event in self._history.shown}:
            if name not in self._replica.rooms and name not in member_of:
                forgotten = Restarted(self.device, name, FOREVER)
                self._history.shown.append(forgotten)
        for name, room in self._replica.rooms.items():
            if name not in self._began:
                self._history.shown.append(Restarted(self.device, name, room.cursor))
            self._history.final[self.device, name] = {
                seq: known.message.text or ""
                for seq, known in room.messages.items()
                if seq >= room.complete_from
            }


def witness(history: History, device: str, user: str, client: ChatClient) -> Witness:
    """Has a client that is not started yet watched."""
    feed = client._lifeline.feed
    watching = Witness(history, device, user, client.replica, feed.emit)
    feed.emit = watching.emit  # type: ignore[assignment]
    return watching


def report(findings: Sequence[Finding], most: int = 20) -> str:
    """The first findings, a line each."""
    lines = [f"{one.rule} in {one.conversation}: {one.what}" for one in findings]
    more = [f"and {len(lines) - most} more"] if len(lines) > most else []
    return "\n".join([*lines[:most], *more])
