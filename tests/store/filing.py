"""Files on the shelf: rows as uploads and messages make them."""

from pathlib import Path

from chatd.domain.content.attachments import AttachmentRecord
from chatd.store.content import attachments
from chatd.store.content.attachments import Attach, DoomBlob, PutAttachment
from chatd.store.messages import InsertMessage, RemoveMessage
from tests.store.shelf import TENANT, Shelf, said

QUOTA = 1_000


async def upload(shelf: Shelf, id_: str, who: str = "ada", size: int = 10) -> None:
    record = AttachmentRecord(
        id=id_,
        uploader_id=who,
        blob=f"blob-of-{id_}",
        name=f"{id_}.txt",
        media_type="text/plain",
        size=size,
        created_at_ms=shelf.clock.at_ms,
    )
    due_ms = shelf.clock.at_ms + 1_000
    await shelf.write(DoomBlob(record.blob, due_ms), PutAttachment(record, QUOTA))


def with_files(author: str, *attached: Attach, to: str = "talk") -> InsertMessage:
    shown = ",".join(f'{{"id":"{one.id}","name":"{one.id}.txt"}}' for one in attached)
    write = said(author, "see", to=to)
    return InsertMessage(
        id=write.id,
        conversation_id=to,
        author_id=author,
        text=None,
        client_message_id=write.id,
        digest=b"d",
        attached=attached,
        attachments_json=f"[{shown}]",
    )


async def doomed(shelf: Shelf, in_ms: int = 0) -> list[str]:
    due_ms = shelf.clock.at_ms + in_ms
    return [b for _, b in await shelf.store.read(attachments.doomed, due_ms, 100)]


async def used(shelf: Shelf) -> int:
    return (await shelf.store.read(attachments.usage, TENANT, "ada"))[0]


def removal(message: InsertMessage) -> RemoveMessage:
    return RemoveMessage(message.id, message.conversation_id, "ben", None, "removed")


async def forwarded(shelf: Shelf) -> tuple[InsertMessage, InsertMessage]:
    """Ada's file in `talk`, forwarded by ben to `away`."""
    await shelf.talk("away", "ben", "dan")
    await upload(shelf, "f")
    first = with_files("ada", Attach("f"))
    copy = with_files("ben", Attach("g", copy_of="f"), to="away")
    await shelf.write(first)
    await shelf.write(copy)
    return first, copy


def holding(folder: Path, marker: bytes) -> list[Path]:
    """Files anywhere in the folder in which these bytes are."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [file for file in files if marker in file.read_bytes()]
