"""If these fail, the Python client loses files, or the reason why they are refused."""

from pathlib import Path

import pytest

from chatd_client import ChatClient, ConnectionLost, Refused
from chatd_protocol.chat.requests import Recipient, StartConversation
from chatd_protocol.chat.results import ConversationStarted
from tests.conftest import Serve
from tests.support.files import picture
from tests.support.server import Server
from tests.support.tokens import token


@pytest.fixture
async def server(serve: Serve) -> Server:
    return await serve("--demo")


async def conversation(client: ChatClient) -> str:
    request = StartConversation(
        recipients=(Recipient(kind="user", id="s001"),), client_request_id="files"
    )
    started = await client.call(request, ConversationStarted)
    assert started.conversation is not None
    return started.conversation.id


async def content(client: ChatClient, id_: str, *, thumbnail: bool = False) -> bytes:
    parts = client.download(id_, thumbnail=thumbnail)
    return b"".join([part async for part in parts])


async def test_up_sent_and_down(server: Server, tmp_path: Path) -> None:
    """A file would not reach the others as it was (ITS-55, ITS-56, ITS-61)."""
    photo = tmp_path / "Ausflug ä.png"
    photo.write_bytes(picture(size=(900, 600)))
    async with (
        ChatClient(server.url, token("anna")) as anna,
        ChatClient(server.url, token("s001")) as pupil,
    ):
        uploaded = await anna.upload(photo, alt="The class on the hill")
        notes = await anna.upload(b"notes", "notes.txt")
        assert (uploaded.name, uploaded.width, uploaded.alt) == (
            "Ausflug ä.png",
            900,
            "The class on the hill",
        )
        talk = await conversation(anna)
        message = await anna.send(talk, "", files=[uploaded, notes])
        assert message.attachments == (uploaded, notes)
        assert await content(pupil, uploaded.id) == picture(size=(900, 600))
        small = await content(pupil, uploaded.id, thumbnail=True)
        assert small.startswith(b"RIFF")
    assert server.complaints == ""


async def test_refusals(server: Server) -> None:
    """A program could not say which file cannot be sent (ITS-59)."""
    async with ChatClient(server.url, token("anna")) as anna:
        with pytest.raises(Refused) as refused:
            await anna.upload(b"MZ", "virus.exe")
        assert refused.value.code == "file_type_not_allowed"
        assert refused.value.text == "Sorry, you can't send virus.exe"
        assert refused.value.facts == {"name": "virus.exe"}
        with pytest.raises(Refused) as large:
            await anna.upload(bytes(20 * 1024 * 1024 + 1), "large.zip")
        # The content is looked at before its size is known.
        assert large.value.code == "file_type_not_allowed"
        with pytest.raises(Refused) as too_large:
            await anna.upload(b"PK\3\4" + bytes(20 * 1024 * 1024), "large.zip")
        assert too_large.value.code == "file_too_large"
        with pytest.raises(Refused) as unknown:
            await content(anna, "nothing")
        assert unknown.value.code == "not_found"


async def test_a_server_that_is_gone(server: Server) -> None:
    """A lost connection would look like a broken file."""
    async with ChatClient(server.url, token("anna")) as anna:
        await server.stop()
        with pytest.raises(ConnectionLost):
            await anna.upload(b"notes", "notes.txt")
        with pytest.raises(ConnectionLost):
            await content(anna, "nothing")
