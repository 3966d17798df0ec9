"""Deeds with files, as tests write them."""

from pathlib import Path

from chatd.actions import messages
from chatd.actions.content import attachments, uploading
from chatd.actions.content.attachments import Files
from chatd_protocol.chat.objects import Attachment, Message
from chatd_protocol.chat.requests import SendMessage
from tests.actions.deeds import fresh, who
from tests.support.files import chunks, whole
from tests.support.house import House


async def upload(
    school: House,
    files: Files,
    by: str,
    content: bytes = b"some notes",
    name: str = "notes.txt",
    alt: str | None = None,
) -> Attachment:
    received = await uploading.receive(
        school.context, files, who(by), name, chunks(content)
    )
    return await uploading.keep(school.context, who(by), received, alt)


async def give(
    school: House, by: str, where: str, *ids: str, text: str | None = None
) -> Message:
    request = SendMessage(
        conversation_id=where,
        client_message_id=fresh(),
        text=text,
        attachment_ids=tuple(ids),
    )
    return await messages.send(school.context, who(by), request)


async def sees(school: House, files: Files, by: str, id_: str) -> bytes:
    record = await attachments.find(school.context, who(by), id_)
    return await whole(files.depot.read(record.blob))


def lying_in(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]
