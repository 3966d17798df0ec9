"""Rows 1–4: a gateway is killed at an exact place of one message's way."""

from pathlib import Path

import apsw
import pytest

from tests.faults.talk import Talk
from tests.support.server import Server

POINTS = [
    pytest.param("before_commit", 0, id="row 1: before the commit"),
    pytest.param("after_begin", 0, id="row 1: nothing is written yet"),
    pytest.param("after_commit_before_ack", 1, id="row 3: between commit and answer"),
    pytest.param("before_announce", 1, id="row 4: between commit and hint"),
    pytest.param("after_publish", 1, id="row 4: the hint is out, the answer is not"),
]


def stored(data_dir: Path, text: str) -> int:
    """How often a text is in the database, looked at while no server runs."""
    connection = apsw.Connection(str(data_dir / "chatd.sqlite3"))
    try:
        ((count,),) = connection.execute(
            "SELECT count(*) FROM message WHERE text = ?", (text,)
        )
        return int(count)
    finally:
        connection.close()


@pytest.mark.parametrize(("point", "rows"), POINTS)
async def test_killed_at(tmp_path: Path, point: str, rows: int) -> None:
    """A kill just there would lose the message, double it, or leave others without."""
    data_dir, faults = tmp_path / "data", tmp_path / "faults"
    server = Server(data_dir, ["--demo"], variables={"CHATD_FAILPOINTS": f"@{faults}"})
    await server.start()
    try:
        async with Talk() as talk:
            await talk.join(server.url, "anna")
            await talk.join(server.url, "s001")
            await talk.start("anna", "s001", "s002")
            await talk.say("anna")
            faults.write_text(f"{point}=once(1):kill9\n")
            sending = talk.sending("anna", "the one")
            assert await server.wait_ended() < 0
            assert stored(data_dir, "the one") == rows
            assert not sending.done()
            await server.start()
            assert (await sending).text == "the one"
            await talk.say("s001")
            await talk.settle(10)
    finally:
        await server.stop()
    talk.check()
    assert stored(data_dir, "the one") == 1
