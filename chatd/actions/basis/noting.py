"""How deeds and looks get into the audit trail."""

from chatd.actions.basis.context import Context
from chatd.domain.keeping.deeds import Deed
from chatd.domain.people import Caller
from chatd.store.change import Change
from chatd.store.keeping.trail import Note


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
