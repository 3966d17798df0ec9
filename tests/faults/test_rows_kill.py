"""Rows 1–4: a gateway is killed at an exact place of one message's way."""

import pytest

from tests.faults.deployments import Deployment
from tests.faults.talk import Talk

POINTS = [
    pytest.param("before_commit", 0, id="row 1: before the commit"),
    pytest.param("after_begin", 0, id="row 1: nothing is written yet"),
    pytest.param("after_commit_before_ack", 1, id="row 3: between commit and answer"),
    pytest.param("before_announce", 1, id="row 4: between commit and hint"),
    pytest.param("after_publish", 1, id="row 4: the hint is out, the answer is not"),
]


@pytest.mark.parametrize(("point", "rows"), POINTS)
async def test_killed_at(deployment: Deployment, point: str, rows: int) -> None:
    """A kill just there would lose the message, double it, or leave others without."""
    server = deployment.gateways[0]
    async with Talk() as talk:
        await talk.join(server.url, "anna")
        await talk.join(deployment.gateways[-1].url, "s001")
        await talk.start("anna", "s001", "s002")
        await talk.say("anna")
        deployment.faults.write_text(f"{point}=once(1):kill9\n")
        sending = talk.sending("anna", "the one")
        assert await server.wait_ended() < 0
        assert await deployment.stored("the one") == rows
        assert not sending.done()
        await server.start()
        assert (await sending).text == "the one"
        await talk.say("s001")
        await talk.settle()
    talk.check()
    assert await deployment.stored("the one") == 1
