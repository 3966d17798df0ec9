"""Forwarding a message: the same words in another conversation, named as somebody's.

Nothing goes to whom the caller may not write to, and nothing that was removed goes
anywhere (ITS-42). What staff remove later is removed in every copy (ITS-77).
"""

from dataclasses import replace

from chatd.actions.basis.context import Context
from chatd.actions.basis.deciding import digest, require
from chatd.actions.basis.facts import Place
from chatd.actions.content import attachments
from chatd.actions.messages import deliver, visible
from chatd.domain.messages import Forwarded, MessageRecord
from chatd.domain.people import Caller
from chatd.domain.verdicts import decide
from chatd.errors import invalid
from chatd.ids import new_id
from chatd.store.change import Guard
from chatd.store.messages import InsertMessage
from chatd_protocol.chat.objects import Message
from chatd_protocol.chat.requests import ForwardMessage


async def forward(context: Context, caller: Caller, request: ForwardMessage) -> Message:
    """Say in a conversation what somebody said elsewhere; returns when it is on disk.

    Raises:
        Refused: `not_found`, `invalid_request` for a message that was removed, or why
            the caller may not forward it or send there.
    """
    _, record = await _to_forward(context, caller, request.message_id)
    origin = record.forwarded or Forwarded(
        message_id=record.id,
        author_id=record.author_id,
        author_name=record.author_name,
        at_ms=record.created_at_ms,
    )
    files = await context.store.read(attachments.copies, caller.tenant, record.id)
    wanted = InsertMessage(
        id=new_id(),
        conversation_id=request.conversation_id,
        author_id=caller.user_id,
        text=record.text,
        links_json=record.links_json,
        client_message_id=request.client_message_id,
        digest=digest(request),
        forwarded=origin,
        attached=files.attached,
        attachments_json=files.shown_json,
    )

    async def stands() -> tuple[Guard, ...]:
        place, record = await _to_forward(context, caller, request.message_id)
        return (*place.guards, Guard("message", record.id, 1))

    return await deliver(context, caller, wanted, rests_on=stands)


async def _to_forward(
    context: Context, caller: Caller, message_id: str
) -> tuple[Place, MessageRecord]:
    """A message that may be forwarded now, and the caller's place where it is."""
    place, record = await visible(context, caller, message_id)
    require(decide("forward", replace(place.case, message=record)))
    if record.removed_at_ms is not None or record.kind != "text":
        raise invalid("/messageId", "removed")
    return place, record
