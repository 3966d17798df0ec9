"""The ledger of what was taken away on purpose; it outlives the backups of it.

A backup holds what was removed after it was taken. So every removal leaves a row, of
ids and codes (`Effects.erased`); restoring reads the rows of the database that it
replaces and takes away again what they name. The rows are kept for good: they are as
small as the tombstones that they belong to.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from chatd.store.change import Change, Moved, Write
from chatd.store.engine.interface import Store
from chatd.store.keeping.erasing import ErasePerson
from chatd.store.messages import RemoveMessage
from chatd.store.people import EndSessions
from chatd.store.removing.copies import TakeFiles
from chatd.store.reporting.filing import PurgeReport
from chatd.store.saying.held import DropHeld


@dataclass(frozen=True, slots=True)
class Erasure:
    """One row: what of which tenant was taken away when, and how to do it again."""

    tenant: str
    kind: str
    id: str
    data: Mapping[str, str | None]
    at_ms: int


def to_line(erasure: Erasure) -> bytes:
    """A row as a line of a ledger file."""
    return msgspec.json.encode(erasure) + b"\n"


def from_line(line: bytes) -> Erasure:
    """The row of a line.

    Raises:
        ValueError: it is no such line.
    """
    try:
        return msgspec.json.decode(line, type=Erasure)
    except msgspec.DecodeError as error:
        raise ValueError(f"no line of a ledger: {error}") from error


def _message(one: Erasure) -> Write:
    return RemoveMessage(
        one.id,
        str(one.data["conversationId"]),
        one.data["actor"],
        one.data["by"],
        str(one.data["notice"]),
    )


def _files(one: Erasure) -> Write:
    ids = str(one.data["files"]).split()
    return TakeFiles(one.id, str(one.data["conversationId"]), tuple(ids))


def _held(one: Erasure) -> Write:
    conversation_id, author_id = one.data["conversationId"], one.data["author"]
    return DropHeld(one.id, str(conversation_id), str(author_id), files=True)


def _sessions(one: Erasure) -> Write:
    return EndSessions(one.id, one.at_ms)


def _report(one: Erasure) -> Write:
    return PurgeReport(one.id)


def _person(one: Erasure) -> Write:
    return ErasePerson(one.id)


AGAIN: Final[Mapping[str, Callable[[Erasure], Write]]] = {
    "message": _message,
    "files": _files,
    "held": _held,
    "sessions": _sessions,
    "report": _report,
    "person": _person,
}
"""The write by which each kind is taken away; `Effects.erased` lists the kinds."""


async def erase_again(store: Store, erasures: Iterable[Erasure]) -> int:
    """Take away what is still there; how many that were.

    The writes are those of the deeds themselves, so nothing of it is forgotten.

    Raises:
        ValueError: of a kind that this release does not know.
    """
    done = 0
    for one in erasures:
        again = AGAIN.get(one.kind)
        if again is None:
            raise ValueError(f"the ledger has {one.kind}, which this release cannot do")
        try:
            await store.commit(Change(one.tenant, one.at_ms, (again(one),)))
        except (Moved, LookupError):
            # Gone already, or written after the backup: nothing to take away.
            continue
        done += 1
    return done
