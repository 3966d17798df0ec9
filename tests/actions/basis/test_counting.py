"""If these fail, an operator sees calls that were not, or no calls where there were."""

import asyncio
import json

import pytest

from chatd.actions.basis.counting import Counted
from chatd.errors import Refused
from chatd.telemetry import configure
from tests.support.counted import value
from tests.support.house import HandClock


def test_a_call_is_timed_and_told() -> None:
    """A slow method would look like a fast one."""
    clock = HandClock()
    counted = Counted(clock, "hub", "SendMessage")
    labels = {"door": "hub", "method": "SendMessage"}
    calls = value("chatd_call_seconds_sum", **labels)
    sends = value("chatd_send_ack_seconds_sum")
    with counted.call():
        clock.at_ms += 250
    assert value("chatd_call_seconds_sum", **labels) - calls == pytest.approx(0.25)
    assert value("chatd_send_ack_seconds_sum") - sends == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("error", "code"),
    [(Refused("not_found"), "not_found"), (KeyError("canary"), "internal")],
)
def test_a_failure_is_counted_by_its_code(
    error: Exception, code: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Bugs and refusals would be one number, or an error's text a label."""
    configure("debug")
    counted = Counted(HandClock(), "http", "getMe")
    before = value("chatd_reply_errors_total", door="http", code=code)
    with pytest.raises(type(error)), counted.call():
        raise error
    assert value("chatd_reply_errors_total", door="http", code=code) == before + 1
    said = json.loads(capfd.readouterr().err)
    assert (said["event"], said["method"], said["code"]) == ("call", "getMe", code)
    assert "canary" not in said


def test_a_cancelled_call_is_no_error() -> None:
    """Everybody who closes a page in time would look like a fault of ours."""
    counted = Counted(HandClock(), "hub", "GetMe")
    name = "chatd_reply_errors_total"
    before = value(name, door="hub", code="internal")
    with pytest.raises(asyncio.CancelledError), counted.call():
        raise asyncio.CancelledError
    assert value(name, door="hub", code="internal") == before
