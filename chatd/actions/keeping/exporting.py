"""Everything about a person, as lines: what they are, said, and may see (MOO-91).

Of others only what the person may see anyway, by the same ranges as history. Reports
about the person are nobody's but the school's and are never in here; nor is what the
person removed, wherever it may still be kept.
"""

from collections.abc import AsyncIterator
from typing import Final

import msgspec

from chatd.actions import presenting
from chatd.actions.basis.context import Context
from chatd.actions.basis.noting import note_look
from chatd.actions.directory import people as directory
from chatd.actions.me import preferences_of
from chatd.clock import rfc3339
from chatd.domain.content.attachments import AttachmentRecord
from chatd.domain.people import Caller
from chatd.errors import Refused
from chatd.store import messages, people
from chatd.store.conversation_views import ConversationView
from chatd.store.upkeep import exporting
from chatd.store.upkeep.exporting import Half
from chatd_protocol.chat.http.keeping import (
    Acquainted,
    ExportLine,
    ExportUser,
    Stay,
    Upload,
)

AT_ONCE: Final = 200

_Lines = AsyncIterator[ExportLine]


async def export(context: Context, caller: Caller, request: ExportUser) -> _Lines:
    """The lines of a person; noted before the first.

    Raises:
        Refused: `not_found`, before there is a line.
    """
    tenant, user_id = caller.tenant, request.user_id
    person = await context.store.read(people.get, tenant, user_id)
    if person is None:
        raise Refused("not_found")
    await note_look(context, caller, "person.exported", "person", user_id)
    user = directory.shown(person)
    yield ExportLine(kind="person", user=user, preferences=preferences_of(person))
    for half in await context.store.read(exporting.acquainted, tenant, user_id):
        yield ExportLine(kind="acquaintance", acquaintance=_acquainted(half))
    for file in await context.store.read(exporting.uploads, tenant, user_id):
        yield ExportLine(kind="upload", upload=_upload(file))
    after = ""
    while own := await context.store.read(
        exporting.own_messages, tenant, user_id, after, AT_ONCE
    ):
        for record in own:
            message = presenting.message(record)
            yield ExportLine(kind="message", own=True, message=message)
        after = own[-1].id
    async for line in _conversations(context, Caller(tenant, user_id)):
        yield line


async def _conversations(context: Context, person: Caller) -> _Lines:
    after = ""
    whose = (person.tenant, person.user_id)
    while ids := await context.store.read(
        exporting.conversations_of, *whose, after, AT_ONCE
    ):
        gathered = await context.store.read(
            presenting.gather, *whose, ids, context.limits
        )
        for view in gathered.views:
            shown = presenting.shown(gathered, view, context.limits)
            own = msgspec.structs.replace(shown, denied={})
            stays = tuple(
                Stay(joined_seq=stay.joined_seq, left_seq=stay.left_seq)
                for stay in view.intervals
            )
            yield ExportLine(kind="conversation", conversation=own, stays=stays)
            async for line in _seen(context, person, view):
                yield line
        after = ids[-1]


async def _seen(context: Context, person: Caller, view: ConversationView) -> _Lines:
    """What others said in a conversation, as the person sees it."""
    here = (person.tenant, view.record.id, view.ranges)
    after = 0
    while found := await context.store.read(
        messages.newer, *here, after=after, limit=AT_ONCE
    ):
        for message in presenting.seen(view, found):
            if message.author.id != person.user_id and message.removed is None:
                yield ExportLine(kind="message", own=False, message=message)
        after = found[-1].seq


def _acquainted(half: Half) -> Acquainted:
    return Acquainted(user_id=half.other_id, contact=half.contact, blocked=half.blocked)


def _upload(file: AttachmentRecord) -> Upload:
    return Upload(
        id=file.id, name=file.name, alt=file.alt, at=rfc3339(file.created_at_ms)
    )
