"""The audit trail: how deeds and looks get into it, and how it is read."""

from typing import Final

from chatd.actions.basis import cursors
from chatd.actions.basis.context import Context
from chatd.clock import rfc3339
from chatd.domain.keeping.deeds import Deed
from chatd.domain.people import Caller
from chatd.store.change import Change
from chatd.store.keeping import trail
from chatd.store.keeping.trail import Filter, Note
from chatd_protocol.chat.http.audit import AuditEntry, AuditPage, ListAudit

_LAST: Final = 2**53


def noted(
    caller: Caller, deed: Deed, about_kind: str, about_id: str, **facts: object
) -> Note:
    """The row for a deed, to be put into the Change that does it.

    `facts` are ids and codes, never what somebody wrote.
    """
    return Note(caller.user_id, deed, about_kind, about_id, facts)


async def note_look(
    context: Context,
    caller: Caller,
    deed: Deed,
    about_kind: str,
    about_id: str,
    **facts: object,
) -> None:
    """Note that somebody is about to be shown something; on disk when this returns.

    Called before anything is read: a look that cannot be noted does not happen.

    Raises:
        Refused: `storage_unavailable` and the like.
    """
    note = noted(caller, deed, about_kind, about_id, **facts)
    await context.store.commit(Change(caller.tenant, context.clock.now_ms(), (note,)))


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
