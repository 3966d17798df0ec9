"""If these fail, bytes that nobody may see stay on the disk."""

from pathlib import Path

import pytest

from chatd.actions import messages
from chatd.actions.content.attachments import Files
from chatd.actions.content.sweeping import UNCLAIMED_MS, Sweeper
from chatd.domain.announcements import Logged
from chatd_protocol.chat.requests import DeleteMessage
from tests.actions.deeds import start, who
from tests.actions.uploads import give, lying_in, upload
from tests.support.files import files_at, picture
from tests.support.house import House
from tests.support.waiting import wait_until


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return files_at(tmp_path / "files")


async def test_removed_bytes_are_deleted(
    school: House, files: Files, tmp_path: Path
) -> None:
    """A removed photo, or its thumbnail, could be read from the disk (ITS-77)."""
    talk = await start(school, "anna", "sue")
    one = await upload(school, files, "anna", picture(), "me.png")
    sent = await give(school, "anna", talk.id, one.id)
    sweeper = Sweeper(school.context, files.depot)
    assert await sweeper.sweep() == 0
    assert len(lying_in(tmp_path / "files")) == 2
    remove = DeleteMessage(message_id=sent.id)
    await messages.delete(school.context, who("anna"), remove)
    assert await sweeper.sweep() == 1
    assert lying_in(tmp_path / "files") == []
    assert await sweeper.sweep() == 0


async def test_unsent_uploads_go_after_a_day(
    school: House, files: Files, tmp_path: Path
) -> None:
    """The disk would fill with files that nobody ever sent (fault 29)."""
    talk = await start(school, "anna", "sue")
    sent = await upload(school, files, "anna", b"sent")
    await upload(school, files, "anna", b"unsent")
    await give(school, "anna", talk.id, sent.id)
    sweeper = Sweeper(school.context, files.depot)
    school.clock.at_ms += UNCLAIMED_MS
    assert await sweeper.sweep() == 0
    school.clock.at_ms += 1
    assert await sweeper.sweep() == 1
    (left,) = lying_in(tmp_path / "files")
    assert left.read_bytes() == b"sent"


async def test_a_removal_wakes_it(school: House, files: Files, tmp_path: Path) -> None:
    """What was removed would be on the disk for another minute."""
    talk = await start(school, "anna", "sue")
    one = await upload(school, files, "anna")
    sent = await give(school, "anna", talk.id, one.id)
    sweeper = Sweeper(school.context, files.depot)
    sweeper.start()
    try:
        remove = DeleteMessage(message_id=sent.id)
        await messages.delete(school.context, who("anna"), remove)
        sweeper.listen([Logged("school", talk.id, 3, "message.removed")])
        await wait_until(lambda: not lying_in(tmp_path / "files"))
    finally:
        await sweeper.stop()


async def test_one_failure_does_not_end_it(
    school: House, files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From then on nothing that is removed would leave the disk until a restart."""
    talk = await start(school, "anna", "sue")
    one = await upload(school, files, "anna")
    sent = await give(school, "anna", talk.id, one.id)
    sweeper = Sweeper(school.context, files.depot)
    failed: list[str] = []

    async def fail(key: str) -> None:
        failed.append(key)
        monkeypatch.undo()
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(files.depot, "delete", fail)
    school.listeners.append(sweeper.listen)
    sweeper.start()
    try:
        remove = DeleteMessage(message_id=sent.id)
        await messages.delete(school.context, who("anna"), remove)
        await wait_until(lambda: failed)
        sweeper.listen([Logged("school", talk.id, 9, "message.removed")])
        await wait_until(lambda: lying_in(tmp_path / "files") == [])
    finally:
        await sweeper.stop()
