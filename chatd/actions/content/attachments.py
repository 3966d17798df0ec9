"""Files of messages: chosen for a message, handed out, linked to.

Who may see a file is decided anew at each request, by the same place and the same
ranges as the message that has it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import quote

import msgspec

from chatd.actions import presenting
from chatd.actions.basis import reviews
from chatd.actions.basis.context import Context
from chatd.clock import rfc3339
from chatd.domain.content.attachments import (
    AttachmentRecord,
)
from chatd.domain.people import Caller
from chatd.errors import Refused, invalid
from chatd.files.depot import Depot
from chatd.files.links import Link, Links
from chatd.files.pictures import Pictures
from chatd.ids import new_id
from chatd.store import messages, people
from chatd.store.content import attachments
from chatd.store.content.attachments import Attach
from chatd.store.transaction import Transaction
from chatd_protocol.chat.files import AttachmentLink
from chatd_protocol.chat.objects import Attachment

SMALL: Final = ".small"
"""Follows the key of a picture in the key of its thumbnail."""

SMALL_TYPE: Final = "image/webp"


@dataclass(slots=True)
class Files:
    """What the deeds on files need besides the context."""

    depot: Depot
    pictures: Pictures
    links: Links
    uploading: dict[tuple[str, str], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Files that a new message is to have, and what is shown of them."""

    attached: tuple[Attach, ...] = ()
    shown_json: str | None = None


def shown(record: AttachmentRecord) -> Attachment:
    """A file as the contract shows it."""
    return Attachment(
        id=record.id,
        name=record.name,
        size=record.size,
        media_type=record.media_type,
        width=record.width,
        height=record.height,
        thumbnail=True if record.thumbnail else None,
        alt=record.alt,
    )


async def choose(
    context: Context, caller: Caller, ids: tuple[str, ...] | None, pointer: str
) -> Chosen:
    """The caller's own uploads for a new message, in this order (ITS-55 … 57).

    Raises:
        Refused: `invalid_request`: too many, named twice, or not there to be sent.
    """
    if not ids:
        return Chosen()
    if len(ids) > context.limits.attachments_per_message:
        raise invalid(pointer, "too_many")
    known = await context.store.read(attachments.many, caller.tenant, ids)
    found = []
    for at, id_ in enumerate(ids):
        record = known.get(id_)
        own = record is not None and record.uploader_id == caller.user_id
        if record is None or not own or record.message_id is not None:
            raise invalid(f"{pointer}/{at}", "not_found")
        if id_ in ids[:at]:
            raise invalid(f"{pointer}/{at}", "repeated")
        found.append(record)
    return Chosen(tuple(Attach(id_) for id_ in ids), _json(found))


async def copies(tx: Transaction, tenant: str, message_id: str) -> Chosen:
    """Copies of a message's files, for a message that forwards it (ITS-42).

    Whoever forwards has been found to see the message.
    """
    return copied(await attachments.of_message(tx, tenant, message_id))


async def records_of(
    tx: Transaction, tenant: str, chosen: Chosen
) -> tuple[AttachmentRecord, ...]:
    """The files that were chosen, in their order, as far as they are there."""
    known = await attachments.many(tx, tenant, [one.id for one in chosen.attached])
    return tuple(known[one.id] for one in chosen.attached if one.id in known)


def copied(records: Iterable[AttachmentRecord]) -> Chosen:
    """Copies of these for another message, given after what they are copies of."""
    made = [(Attach(new_id(), copy_of=record.id), record) for record in records]
    if not made:
        return Chosen()
    attached = tuple(attach for attach, _ in made)
    renamed = [replace(record, id=attach.id) for attach, record in made]
    return Chosen(attached, _json(renamed))


def _json(records: list[AttachmentRecord]) -> str:
    return msgspec.json.encode([shown(record) for record in records]).decode()


async def find(context: Context, caller: Caller, id_: str) -> AttachmentRecord:
    """A file that the caller may see now: an own upload, or one of a message in sight.

    Raises:
        Refused: `not_found` for every other one, whether it exists or not.
    """
    record = await context.store.read(attachments.by_id, caller.tenant, id_)
    if record is None:
        raise Refused("not_found")
    if record.message_id is None:
        if record.uploader_id != caller.user_id:
            raise Refused("not_found")
        return record
    message = await context.store.read(messages.by_id, caller.tenant, record.message_id)
    if message is None:
        # Its message waits for a moderator: to all others there is none. Or it is kept
        # with a report, for whoever looks after that.
        if record.uploader_id != caller.user_id:
            await reviews.look(context, caller, record.message_id)
        return record
    place = await context.facts.place(
        caller.tenant, message.conversation_id, caller.user_id
    )
    if place is None or not place.sees(message.seq):
        raise Refused("not_found")
    if not presenting.is_whole(message, place.left_seq):
        raise Refused("not_found")
    return record


async def link(
    context: Context, files: Files, caller: Caller, id_: str, *, thumbnail: bool
) -> AttachmentLink:
    """An address of a file that is good for 60 seconds without a token.

    Raises:
        Refused: `not_found`.
    """
    record = await find(context, caller, id_)
    if thumbnail and not record.thumbnail:
        raise Refused("not_found")
    now_ms = context.clock.now_ms()
    made = Link(caller.tenant, caller.user_id, record.id, now_ms, thumbnail)
    path = f"/v1/attachments/{quote(record.id, safe='')}"
    return AttachmentLink(
        url=f"{path}?link={files.links.seal(made)}",
        expires_at=rfc3339(made.expires_ms),
    )


async def follow(context: Context, files: Files, id_: str, text: str) -> Link:
    """What a link says, if it is for this file and its maker is still let in.

    Raises:
        Refused: `not_found`.
    """
    made = files.links.open(text, context.clock.now_ms())
    if made is None or made.attachment_id != id_:
        raise Refused("not_found")
    person = await context.store.read(people.get, made.tenant, made.user_id)
    if person is None or not person.active:
        raise Refused("not_found")
    if made.issued_ms < person.tokens_valid_from_ms:
        raise Refused("not_found")
    return made
