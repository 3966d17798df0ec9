"""Looks into the safeguarding vault: what was edited or removed and is still kept."""

from typing import Final

import msgspec

from chatd.actions.basis import cursors
from chatd.actions.basis.context import Context
from chatd.actions.basis.noting import note_look
from chatd.clock import rfc3339
from chatd.domain.content.attachments import AttachmentRecord
from chatd.domain.people import Caller
from chatd.errors import Refused
from chatd.store.keeping import vault
from chatd.store.keeping.vault import Kept, Wanted
from chatd_protocol.chat.http.keeping import (
    GetKeptFile,
    KeptMessage,
    KeptPage,
    ListEdits,
    ListVault,
)
from chatd_protocol.chat.objects import Attachment

_FROM_THE_LAST: Final = (2**53, "", 0)


async def page(context: Context, caller: Caller, request: ListVault) -> KeptPage:
    """What was removed or edited, the latest first.

    Raises:
        Refused: `invalid_request` for a cursor that is none.
    """
    facts = {
        "conversationId": request.conversation_id,
        "userId": request.user_id,
    }
    given = {name: value for name, value in facts.items() if value is not None}
    wanted = Wanted(conversation_id=request.conversation_id, author_id=request.user_id)
    before = _before(request.cursor)
    await note_look(context, caller, "vault.read", "tenant", caller.tenant, **given)
    return await _page(context, caller, wanted, before, request.limit)


async def edits(context: Context, caller: Caller, request: ListEdits) -> KeptPage:
    """What a message said before each of its edits, the latest first.

    Raises:
        Refused: `invalid_request` for a cursor that is none.
    """
    before = _before(request.cursor)
    about = request.message_id
    await note_look(context, caller, "message.edits_read", "message", about)
    wanted = Wanted(message_id=about, why="edited")
    return await _page(context, caller, wanted, before, request.limit)


async def file(
    context: Context, caller: Caller, request: GetKeptFile
) -> AttachmentRecord:
    """A file of a removed message; its bytes are still where they were.

    Raises:
        Refused: `not_found`.
    """
    id_ = request.attachment_id
    await note_look(context, caller, "vault.read", "attachment", id_)
    found = await context.store.read(vault.file, caller.tenant, id_)
    if found is None:
        raise Refused("not_found")
    return found


def _before(cursor: str | None) -> tuple[int, str, int]:
    if cursor is None:
        return _FROM_THE_LAST
    return cursors.decode(cursor, tuple[int, str, int])


async def _page(
    context: Context,
    caller: Caller,
    wanted: Wanted,
    before: tuple[int, str, int],
    limit: int,
) -> KeptPage:
    found = await context.store.read(
        vault.page, caller.tenant, wanted, before, limit + 1
    )
    kept = found[:limit]
    end = kept[-1] if len(found) > len(kept) else None
    return KeptPage(
        messages=tuple(map(_shown, kept)),
        next=None
        if end is None
        else cursors.encode((end.taken_at_ms, end.message_id, end.seq)),
    )


def _shown(kept: Kept) -> KeptMessage:
    files = None
    if kept.attachments_json is not None:
        type_ = tuple[Attachment, ...]
        files = msgspec.json.decode(kept.attachments_json, type=type_)
    return KeptMessage(
        message_id=kept.message_id,
        conversation_id=kept.conversation_id,
        author_id=kept.author_id,
        why=kept.why,
        text=kept.text,
        attachments=files,
        said_at=rfc3339(kept.said_at_ms),
        taken_at=rfc3339(kept.taken_at_ms),
        taken_by=kept.taken_by,
    )
