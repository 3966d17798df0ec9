"""The audit trail as it is read; what is written there is in `basis/noting.py`."""

from typing import Final

from chatd.actions.basis import cursors
from chatd.actions.basis.context import Context
from chatd.actions.basis.noting import note_look
from chatd.clock import rfc3339
from chatd.domain.people import Caller
from chatd.store.keeping import trail
from chatd.store.keeping.trail import Filter
from chatd_protocol.chat.http.audit import AuditEntry, AuditPage, ListAudit

_LAST: Final = 2**53


async def page(context: Context, caller: Caller, request: ListAudit) -> AuditPage:
    """The trail, the latest first (MOO-94).

    Raises:
        Refused: `invalid_request` for a cursor that is none.
    """
    before = _LAST
    if request.cursor is not None:
        (before,) = cursors.decode(request.cursor, tuple[int])
    facts = {"userId": request.user_id, "aboutId": request.about_id}
    given = {name: value for name, value in facts.items() if value is not None}
    await note_look(context, caller, "audit.read", "tenant", caller.tenant, **given)
    found = await context.store.read(
        trail.page,
        caller.tenant,
        Filter(request.user_id, request.about_id, request.deed),
        before,
        request.limit + 1,
    )
    shown = found[: request.limit]
    more = len(found) > len(shown)
    return AuditPage(
        entries=tuple(
            AuditEntry(
                number=one.number,
                at=rfc3339(one.at_ms),
                actor_id=one.actor_id,
                deed=one.deed,
                about_kind=one.about_kind,
                about_id=one.about_id,
                facts=one.facts,
            )
            for one in shown
        ),
        next=cursors.encode((shown[-1].number,)) if more else None,
    )
