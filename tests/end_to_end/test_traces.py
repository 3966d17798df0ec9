"""If these fail, something that was removed can still be read from the server's disk.

A marker that occurs nowhere else is put wherever a person can put words and files,
looked for and found; then its messages are removed, and every byte is searched.
"""

from pathlib import Path

from chatd_client import ChatClient, Refused
from chatd_protocol.chat.objects import Message
from chatd_protocol.chat.requests import (
    DeleteMessage,
    EditMessage,
    Recipient,
    Search,
    StartConversation,
)
from chatd_protocol.chat.results import ConversationStarted, SearchPage
from tests.conftest import Serve
from tests.store.filing import holding
from tests.support.files import picture
from tests.support.tokens import token
from tests.support.waiting import wait_until

MARKER = "zanzibar4711"


async def conversation(client: ChatClient) -> str:
    request = StartConversation(
        recipients=(Recipient(kind="user", id="s001"),), client_request_id="traces"
    )
    started = await client.call(request, ConversationStarted)
    assert started.conversation is not None
    return started.conversation.id


async def hits(client: ChatClient, text: str) -> list[str]:
    page = await client.call(Search(text=text), SearchPage)
    return [message.id for message in page.messages]


async def put_everywhere(client: ChatClient, talk: str) -> list[Message]:
    """Messages with the marker in their text, link, edit, and in all of a file."""
    plain = await client.send(talk, f"The {MARKER} and https://{MARKER}.example/x")
    edited = await client.send(talk, f"before {MARKER}")
    edit = EditMessage(message_id=edited.id, text=f"after {MARKER}")
    await client.call(edit, Message)
    notes = await client.upload(f"in the file {MARKER}".encode(), f"{MARKER}.txt")
    photo = await client.upload(
        picture("JPEG", (700, 500), comment=MARKER.encode()),
        f"{MARKER}.jpg",
        alt=f"A picture of {MARKER}",
    )
    return [plain, edited, await client.send(talk, "", files=[notes, photo])]


async def test_nothing_is_left_of_what_was_removed(serve: Serve) -> None:
    """A removed text, file or name would lie on the disk for who has it (ITS-77)."""
    server = await serve("--demo")
    async with (
        ChatClient(server.url, token("anna")) as anna,
        ChatClient(server.url, token("s001")) as pupil,
    ):
        talk = await conversation(anna)
        messages = await put_everywhere(anna, talk)
        files = [one.id for one in messages[-1].attachments or ()]
        assert await hits(pupil, MARKER) == [one.id for one in messages[::-1]]
        assert holding(server.data_dir, MARKER.encode())
        for message in messages:
            await anna.call(DeleteMessage(message_id=message.id), Message)
        assert await hits(pupil, MARKER) == []
        for id_ in files:
            assert await code_of(pupil, id_) == "not_found"
        # The database's log is cut a while later: see the scrubber's own tests.
        blobs = server.data_dir / "attachments"
        await wait_until(lambda: not traces(blobs), what="no bytes of the files")
    await server.stop()
    assert traces(server.data_dir) == []
    assert MARKER not in server.log


def traces(folder: Path) -> list[Path]:
    """Where the marker is, as it was written or as a part of an index holds it."""
    return [
        *holding(folder, MARKER.encode()),
        *holding(folder, MARKER.encode()[3:]),
        *holding(folder, MARKER.upper().encode()),
    ]


async def code_of(client: ChatClient, id_: str) -> str:
    try:
        _ = [part async for part in client.download(id_)]
    except Refused as refused:
        return refused.code
    return "ok"
