"""Writes down what one device shows, as it is shown, for the checker."""

from collections.abc import Callable, Sequence

from chatd_client import ChatClient
from chatd_client.replica import Replica, Reset, Update
from chatd_protocol.chat.events import (
    LogEvent,
    MessageCreated,
    MessageEdited,
    MessageRemoved,
)
from tests.faults.checker import Finding, History, Restarted, Shown


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
        self._history = history
        self._replica = replica
        self._emit = emit
        history.users[device] = user

    def emit(self, updates: Sequence[Update]) -> None:
        """Takes the place of the feed's `emit`."""
        updates = tuple(updates)
        for index, update in enumerate(updates):
            if isinstance(update, Reset):
                self._restarted(update, updates[index + 1 :])
            elif isinstance(update, LogEvent):
                self._history.shown.append(
                    Shown(
                        self.device, update.conversation_id, update.seq, content(update)
                    )
                )
        self._emit(updates)

    def _restarted(self, reset: Reset, later: Sequence[Update]) -> None:
        rooms = self._replica.rooms
        names = (
            list(rooms) if reset.conversation_id is None else [reset.conversation_id]
        )
        for name in names:
            # The replica is ahead of what it tells: it has applied `later` already.
            first = next(
                (
                    update.seq
                    for update in later
                    if isinstance(update, LogEvent) and update.conversation_id == name
                ),
                rooms[name].cursor + 1,
            )
            self._history.shown.append(Restarted(self.device, name, first - 1))

    def close(self) -> None:
        """The end: what the device shows now, as far back as it has everything."""
        for name, room in self._replica.rooms.items():
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
