"""What a hub tells whoever counts its connections."""

import struct

import httpx2
import pytest

from chatd.signalr.connections.results import ConnectionEnded
from chatd.signalr.hub import Method
from tests.signalr.raw import CLOSE, TEXT, call, dial, dial_socket, frame, upgrade
from tests.signalr.sample import Point, sample_server
from tests.support.waiting import wait_until


async def test_every_ending_is_told_once() -> None:
    """Connections would leak from the count, or be taken off it twice."""
    async with sample_server() as sample:
        ended = sample.hub.ended
        polite = await dial_socket(sample)
        polite.send(frame(CLOSE, struct.pack("!H", 1001)))
        await wait_until(lambda: len(ended) == 1)
        rude = await dial_socket(sample)
        rude.writer.transport.abort()
        await wait_until(lambda: len(ended) == 2)
        sent_away = await dial_socket(sample)
        sent_away.send(call(1, "Close", None, True))
        await sent_away.rest()
        await wait_until(lambda: len(ended) == 3)
        reasons = [getattr(one.error, "reason", None) for one in ended]
        assert reasons == [None, "lost", None]
        codes = [one.pipe.close_code for one in ended if one.pipe]
        assert codes == [1001, 1006, 1000]
        assert sample.hub.openings == ["accepted"] * 3


async def test_a_silent_client_is_told_as_such() -> None:
    """Lost networks could not be told from crashed clients."""
    async with sample_server(client_timeout_s=0.3, close_s=0.2) as sample:
        raw = await dial_socket(sample)
        raw.send(frame(TEXT, b'{"type":6}\x1e'))
        await wait_until(lambda: len(sample.hub.ended) == 1)
        error = sample.hub.ended[0].error
        assert isinstance(error, ConnectionEnded)
        assert error.reason == "silent"


async def test_openings_that_fail() -> None:
    """Clients that cannot get in would be noticed by their users only."""
    async with sample_server(handshake_s=0.3, idle_s=0.3) as sample:
        async with httpx2.AsyncClient() as http:
            wrong = {"Authorization": "Bearer wrong"}
            await http.post(f"{sample.url}/negotiate", headers=wrong)
            # No transport ever comes for this one.
            await http.post(f"{sample.url}/negotiate?negotiateVersion=1")
        no_connection = await dial(sample)
        no_connection.send(upgrade("/sample?id=nobody"))
        await no_connection.rest()
        no_handshake = await dial(sample)
        no_handshake.send(upgrade())
        await wait_until(lambda: len(sample.hub.openings) == 4)
        assert sorted(sample.hub.openings) == [
            "abandoned",
            "bad_handshake",
            "not_found",
            "unauthorized",
        ]


async def takes(*_arguments: object) -> None:
    """A method that does nothing with what it is given."""


@pytest.mark.parametrize(
    "given", [[], [1, 2, 3], [{"x": 1}], ["1"], [{"x": "1", "y": 1}]]
)
def test_arguments_that_do_not_fit(given: list[object]) -> None:
    """A method would be called with something else than it says."""
    with pytest.raises(ValueError, match=r".+"):
        Method("Add", takes, (Point,)).bind(given)


def test_arguments_become_the_methods_types() -> None:
    """A method would get dictionaries."""
    add = Method("Add", takes, (Point, int))
    assert add.bind(({"x": 1, "y": 2}, 3)) == [Point(1, 2), 3]
