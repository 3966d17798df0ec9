"""Taking a message away for everybody: what is written, whoever may do it."""

from chatd.actions.basis.context import Context
from chatd.actions.basis.noting import noted
from chatd.domain.messages import MessageRecord
from chatd.domain.people import Caller
from chatd.domain.policy import Policy
from chatd.store.change import Write
from chatd.store.messages import RemoveMessage
from chatd.store.removing import forwarded
from chatd.store.removing.copies import RemoveCopies
from chatd.store.removing.forwarded import RemoveForwarded
from chatd_protocol.chat.objects import WITHOUT_TRACE


async def removal(
    context: Context,
    caller: Caller,
    record: MessageRecord,
    policy: Policy,
    *,
    actor: bool = True,
) -> tuple[Write, ...]:
    """The writes that take a message's content away (ITS-76, ITS-77, ITS-81).

    What somebody else removes goes in its copies, too. Without `actor` the log names
    nobody: whoever removes is no person of the school.
    """
    own = record.author_id == caller.user_id
    named = policy.tombstone == "named" and not own and actor
    write = RemoveMessage(
        id=record.id,
        conversation_id=record.conversation_id,
        actor_id=caller.user_id if actor else None,
        by=caller.user_id if named else None,
        notice=_notice(policy.tombstone, named=named),
        history=policy.history_for_new_members,
        keep_days=policy.retain_removed_days,
    )
    if own:
        return (write,)
    copies = await context.store.read(forwarded.removals, caller.tenant, write)
    where = {"conversationId": record.conversation_id}
    note = noted(caller, "message.removed", "message", record.id, **where)
    return (*copies, RemoveForwarded(write), RemoveCopies(write), write, note)


def _notice(tombstone: str, *, named: bool) -> str:
    """The notice that is left: a client shows nothing for one without a trace."""
    if tombstone == "none":
        return WITHOUT_TRACE
    return "removed_by_staff" if named else "removed"
