"""A request to start, once its texts are in order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chatd.actions.basis.context import Context
from chatd.actions.basis.deciding import digest
from chatd.actions.basis.facts import policy_of
from chatd.actions.content import attachments
from chatd.actions.content.attachments import Chosen
from chatd.actions.saying.texts import (
    links_json,
    screened,
    sendable_text,
    written,
)
from chatd.domain.people import Caller
from chatd.domain.texts import normal_title
from chatd.errors import invalid
from chatd.ids import new_id
from chatd.store.change import Key, Write
from chatd.store.messages import InsertMessage
from chatd.store.transaction import Transaction
from chatd_protocol.chat.requests import StartConversation


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for; `text` is the first message's."""

    request: StartConversation
    key: Key
    title: str
    text: str | None


def wanted_of(context: Context, caller: Caller, request: StartConversation) -> Wanted:
    """Checks the texts.

    Raises:
        Refused: `invalid_request`.
    """
    if request.mode == "individual" and request.message is None:
        raise invalid("/message", "required")
    title = normal_title(request.title, "/title") if request.title else ""
    text = None
    if request.message is not None:
        files = request.message.attachment_ids is not None
        text = sendable_text(
            context, request.message.text, "/message/text", files=files
        )
    key = Key(caller.user_id, request.client_request_id, digest(request))
    return Wanted(request, key, title, text)


async def first_message(
    context: Context, caller: Caller, wanted: Wanted
) -> InsertMessage | None:
    """The message that comes along, for a conversation that is not known yet.

    Raises:
        Refused: `invalid_request` for files that are not there to be sent,
            `content_held`.
    """
    message = wanted.request.message
    if message is None:
        return None
    files = Chosen()
    if message.attachment_ids is not None:
        pointer = "/message/attachmentIds"
        files = await attachments.choose(
            context, caller, message.attachment_ids, pointer
        )
    made_up = f"start:{wanted.request.client_request_id}"
    policy = await context.store.read(policy_of, caller.tenant)
    first = InsertMessage(
        id=new_id(),
        conversation_id="",
        author_id=caller.user_id,
        text=wanted.text,
        links_json=None if wanted.text is None else links_json(wanted.text),
        client_message_id=message.client_message_id or made_up,
        digest=wanted.key.digest,
        attached=files.attached,
        attachments_json=files.shown_json,
    )
    return screened(policy, first)


def said_in(first: InsertMessage | None, conversation_id: str) -> tuple[Write, ...]:
    """The first message, if there is one, in its conversation."""
    if first is None:
        return ()
    return written(replace(first, conversation_id=conversation_id))


async def also_to(
    tx: Transaction, tenant: str, first: InsertMessage, user_ids: Sequence[str]
) -> dict[str, InsertMessage]:
    """The same words and files for each of several people, under ids of their own."""
    chosen = Chosen(first.attached, first.attachments_json)
    records = await attachments.records_of(tx, tenant, chosen)
    made = {}
    for user_id in user_ids:
        files = attachments.copied(records)
        made[user_id] = replace(
            first,
            id=new_id(),
            client_message_id=f"{first.client_message_id}:{user_id}",
            attached=files.attached,
            attachments_json=files.shown_json,
        )
    return made
