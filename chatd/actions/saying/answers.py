"""What a sender is answered: also the second time, and of a message that waits."""

from collections.abc import Mapping

import msgspec

from chatd.actions import presenting
from chatd.actions.basis.context import Context
from chatd.actions.basis.facts import policy_of
from chatd.actions.saying.texts import warning
from chatd.domain.content.screening import Screened, screen
from chatd.domain.people import Caller
from chatd.errors import Refused
from chatd.store import messages
from chatd.store.messages import InsertMessage
from chatd.store.saying import held
from chatd.store.transaction import Transaction
from chatd_protocol.chat.objects import Message


def warned(message: Message, found: Screened | None) -> Message:
    """The message with what was found in its text, for its author alone."""
    told = warning(found)
    if told is None:
        return message
    return msgspec.structs.replace(message, warning=told)


async def waiting(context: Context, caller: Caller, wanted: InsertMessage) -> Message:
    """A message that was written to wait for a moderator."""
    record = await context.store.read(held.by_id, caller.tenant, wanted.id)
    if record is None:
        raise Refused("not_found")
    return warned(presenting.held(record), wanted.screened)


async def done_before(
    context: Context,
    caller: Caller,
    wanted: InsertMessage,
    result: Mapping[str, object],
) -> Message:
    """What became of the first send under a client id.

    Raises:
        Refused: `not_found` for one that its author has taken back meanwhile.
    """
    return await context.store.read(_done_before, caller, wanted, result)


async def _done_before(
    tx: Transaction,
    caller: Caller,
    wanted: InsertMessage,
    result: Mapping[str, object],
) -> Message:
    found = screen((await policy_of(tx, caller.tenant)).pii, wanted.text)
    if "heldId" in result:
        waits = await held.by_id(tx, caller.tenant, str(result["heldId"]))
        if waits is None:
            raise Refused("not_found")
        return warned(presenting.held(waits), found)
    record = await messages.by_id(tx, caller.tenant, str(result["messageId"]))
    if record is None:
        raise Refused("not_found")
    return warned(presenting.message(record), found)


async def earlier(
    context: Context, caller: Caller, wanted: InsertMessage
) -> Message | None:
    """What the same send was answered before, if it was."""
    return await context.store.read(_earlier, caller, wanted)


async def _earlier(
    tx: Transaction, caller: Caller, wanted: InsertMessage
) -> Message | None:
    whose = (caller.tenant, caller.user_id, wanted.client_message_id)
    record = await messages.by_client_id(tx, *whose)
    if record is not None and record.digest in (None, wanted.digest):
        return presenting.message(record)
    waits = await held.by_client_id(tx, *whose)
    if waits is not None and waits.message.digest == wanted.digest:
        return presenting.held(waits)
    return None
