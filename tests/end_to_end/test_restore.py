"""The restore drill: a real server, a real client, and a week that did not happen.

A backup is taken while people write. Then something is removed, something is written,
and the backup is put back behind the back of a client that stays (faults row 30).
"""

import asyncio
import sys
from pathlib import Path

from chatd_client import ChatClient, ChatOptions
from chatd_protocol.chat import requests
from chatd_protocol.chat.results import ConversationStarted, MessagePage
from tests.support.databases import is_postgres, path_of
from tests.support.server import ROOT, Server, environment, serving
from tests.support.tokens import token
from tests.support.waiting import wait_until


async def command(*arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "chatd", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment(),
        cwd=ROOT,
    )
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


async def texts(client: ChatClient, conversation_id: str) -> list[str | None]:
    page = await client.call(
        requests.ListMessages(conversation_id=conversation_id), MessagePage
    )
    return [message.text for message in page.messages if message.kind == "text"]


def client_of(server: Server, user: str) -> ChatClient:
    options = ChatOptions(draw=lambda: 0.01)
    return ChatClient(server.url, token(user), options=options)


async def test_what_was_erased_stays_erased(tmp_path: Path, database: str) -> None:
    """After a disk failure children would read again what a teacher took away."""
    data, backup = tmp_path / "data", str(tmp_path / "backup")
    here = ("--data-dir", str(data), "--database-url", database)
    async with (
        serving(data, "--demo", "--database-url", database) as server,
        client_of(server, "anna") as anna,
        client_of(server, "s001") as pupil,
    ):
        started = await anna.call(
            requests.StartConversation(
                recipients=(requests.Recipient(kind="user", id="s001"),),
                client_request_id="drill",
            ),
            ConversationStarted,
        )
        assert started.conversation is not None
        id_ = started.conversation.id
        await anna.send(id_, "this may stay")
        secret = await anna.send(id_, "an unmistakable secret")
        code, said = await command("backup", *here, backup)
        assert code == 0, said
        await anna.call(requests.DeleteMessage(message_id=secret.id))
        lost = await anna.send(id_, "written after the backup")
        await wait_until(lambda: pupil.replica.rooms[id_].cursor == lost.seq)
        epoch = pupil.replica.epoch

        code, said = await command("restore", *here, backup)
        assert (code, "stop the server" in said) == (1, True)
        await server.stop()
        code, said = await command("restore", *here, backup)
        assert code == 0, said
        assert "erased again: 1" in said
        await server.start()

        await wait_until(lambda: pupil.connected and pupil.replica.epoch != epoch)
        await pupil.wait_whole()
        assert await texts(pupil, id_) == ["this may stay", None]
        # The position of what was lost is given again, under another epoch.
        again = await anna.send(id_, "after the drill")
        await wait_until(lambda: pupil.replica.rooms[id_].cursor == again.seq)
        assert await texts(pupil, id_) == ["this may stay", None, "after the drill"]
    if not is_postgres(database):
        check_files(path_of(database))


def check_files(path: Path) -> None:
    """The bytes too are gone from whatever has the database's name."""
    (until,) = path.parent.glob("*.until-*")
    until.unlink()
    left = b"".join(one.read_bytes() for one in path.parent.glob(f"{path.name}*"))
    assert b"this may stay" in left
    assert b"unmistakable" not in left
