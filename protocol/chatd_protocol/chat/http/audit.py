"""The audit trail as it is read over HTTP."""

from collections.abc import Mapping

import msgspec

from chatd_protocol.chat.base import Id, PageLimit, Request, Shape, Timestamp


class ListAudit(Request):
    """Read the tenant's audit trail, the latest first (scope `safeguarding`).

    Absent filters leave all: who did it, what it was about, which deed. To look is
    noted itself, as `audit.read`.
    """

    user_id: Id | None = None
    about_id: Id | None = None
    deed: Id | None = None
    cursor: str | None = None
    limit: PageLimit = 50


class AuditEntry(Shape):
    """Who did what, to what; `facts` are ids and codes, never content.

    `number` counts the tenant's entries without a gap.
    """

    number: int
    at: Timestamp
    actor_id: Id
    deed: str
    about_kind: str
    about_id: str
    facts: Mapping[str, object] = msgspec.field(default_factory=dict)


class AuditPage(Shape):
    """A page of the trail; `next` is the cursor of the one with older entries."""

    entries: tuple[AuditEntry, ...]
    next: str | None = None
