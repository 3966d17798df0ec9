"""A Change: everything that one deed writes, and what it relied on when deciding.

It is applied whole or not at all. A guard whose version moved raises `Moved`: the deed
is then decided again with fresh facts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from chatd.domain.announcements import Announcement, Logged
from chatd.store.between.acquaintances import SetBlock, SetContact
from chatd.store.content.attachments import (
    DoomBlob,
    DropAttachments,
    ForgetBlobs,
    PutAttachment,
)
from chatd.store.content.search import IndexBacklog
from chatd.store.conversations import CreateConversation, Rename, SetState
from chatd.store.keeping.erasing import ErasePerson
from chatd.store.keeping.holds import LiftHold, SetHold, Unheld
from chatd.store.keeping.lapsing import Claim, SetPurged
from chatd.store.keeping.trail import Note
from chatd.store.keeping.vault import EmptyVault
from chatd.store.mass.audience import PutOrganisation
from chatd.store.mass.jobs import CancelMass, DeliverMass, PutMass, TakeMass
from chatd.store.members import Join, Part
from chatd.store.messages import EditMessage, InsertMessage, RemoveMessage
from chatd.store.people import EndSessions, PutPerson
from chatd.store.personal import (
    Hide,
    HideMessage,
    MarkUnread,
    MoveRead,
    PermissionsMoved,
    SetMarks,
    SetPreferences,
)
from chatd.store.removing.copies import RemoveCopies, TakeFiles
from chatd.store.removing.forwarded import RemoveForwarded
from chatd.store.reporting.filing import (
    FileReport,
    PurgeReport,
    ResolveCase,
    WithdrawReport,
)
from chatd.store.reporting.guests import EnterAsGuest, LeaveAsGuest
from chatd.store.rosters import (
    PutRoster,
    PutRosterMember,
    RemoveRoster,
    RemoveRosterMember,
)
from chatd.store.saying.flagged import FlagMessage
from chatd.store.saying.held import DropHeld, HoldEdit, HoldMessage, RefuseHeld
from chatd.store.tenants import PutPolicy, PutTenant

Write = (
    CreateConversation
    | Rename
    | SetState
    | Join
    | Part
    | InsertMessage
    | EditMessage
    | RemoveMessage
    | HoldMessage
    | HoldEdit
    | RefuseHeld
    | DropHeld
    | FlagMessage
    | RemoveCopies
    | TakeFiles
    | RemoveForwarded
    | DoomBlob
    | PutAttachment
    | DropAttachments
    | ForgetBlobs
    | IndexBacklog
    | PutPerson
    | EndSessions
    | MoveRead
    | MarkUnread
    | SetMarks
    | SetContact
    | SetBlock
    | Hide
    | HideMessage
    | SetPreferences
    | PermissionsMoved
    | FileReport
    | WithdrawReport
    | ResolveCase
    | PurgeReport
    | EnterAsGuest
    | LeaveAsGuest
    | PutRoster
    | RemoveRoster
    | PutRosterMember
    | RemoveRosterMember
    | PutTenant
    | PutPolicy
    | Note
    | PutOrganisation
    | PutMass
    | TakeMass
    | DeliverMass
    | CancelMass
    | SetHold
    | LiftHold
    | Unheld
    | EmptyVault
    | Claim
    | SetPurged
    | ErasePerson
)


class Moved(Exception):
    """Facts that the decision relied on have changed since: decide again."""


class AlreadyDone(Exception):
    """The same request was carried out before; `result` is what was kept of it."""

    def __init__(self, result: Mapping[str, object]) -> None:
        super().__init__("already done")
        self.result = result


@dataclass(frozen=True, slots=True)
class Guard:
    """The version of a fact that was decided on. A roster's id is `kind:id`.

    A message has the version 1 for as long as it is not removed.
    """

    noun: Literal["conversation", "person", "tenant", "roster", "message"]
    id: str
    version: int


@dataclass(frozen=True, slots=True)
class Key:
    """Makes a deed happen once: the caller's request id and what was asked with it."""

    user_id: str
    client_request_id: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Change:
    """What to write at `at_ms` (milliseconds since 1970) for one tenant.

    `result` (ids only, never text) is kept under `key` and answered by `AlreadyDone`.
    `events` may give the contract's event for positions that `writes` append, by their
    order; it runs after the commit and must not fail. `origin` is announced with them.
    """

    tenant: str
    at_ms: int
    writes: tuple[Write, ...]
    guards: tuple[Guard, ...] = ()
    key: Key | None = None
    result: Mapping[str, object] | None = None
    event: Callable[[Logged], object | None] | None = None
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class Committed:
    """The log positions that the change's writes were given, in order."""

    seqs: tuple[int, ...]
    announcements: tuple[Announcement, ...]
