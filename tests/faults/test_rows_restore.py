"""Row 30: a backup is put back, and clients remember what it does not have."""

import asyncio
import sys
from pathlib import Path

from chatd_client.replica import Reset
from tests.faults.talk import Talk
from tests.support.server import Server, environment
from tests.support.waiting import wait_until


async def test_row_30_a_restored_backup(tmp_path: Path) -> None:
    """Clients would keep messages that are gone, and take new ones for known ones."""
    server = Server(tmp_path / "data", ["--demo"])
    await server.start()
    try:
        async with Talk() as talk:
            ben = await talk.join(server.url, "anna")
            epoch = ben.replica.epoch
            await talk.start("anna", "s001", "s002")
            await talk.say("anna", "in the backup")
            await command("backup", "--data-dir", server.data_dir, tmp_path / "backup")
            await talk.say("anna", "after the backup")
            reader = ben.events()
            await server.stop()
            await command("restore", "--data-dir", server.data_dir, tmp_path / "backup")
            await server.start()
            await wait_until(lambda: ben.connected and ben.replica.epoch != epoch)
            await talk.say("anna", "after the restore")
            await ben.load_history(talk.conversation)
            room = ben.replica.rooms[talk.conversation]
            texts = [room.messages[seq].message.text for seq in sorted(room.messages)]
            assert texts == ["in the backup", "after the restore"]
            async for update in reader:
                if update == Reset():
                    break
    finally:
        await server.stop()


async def command(*words: str | Path) -> None:
    """One `chatd` command, which has to work."""
    ran = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "chatd", *map(str, words)),
        env=environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await ran.communicate()
    assert ran.returncode == 0, said.decode()
