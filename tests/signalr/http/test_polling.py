"""Long polls, by a real HTTP client."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.signalr.sample import Sample, sample_server
from tests.support.waiting import wait_until

NEWS = b'{"type":1,"target":"ToAll","arguments":["%d"]}\x1e'
HANDSHAKE = b'{"protocol":"json","version":1}\x1e'


@pytest.fixture
async def sample() -> AsyncIterator[Sample]:
    """A server that waits longer for a client than a test lasts."""
    async with sample_server(poll_s=60.0, idle_s=120.0, outbound_s=120.0) as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(timeout=90) as client:
        yield client


async def polling(
    sample: Sample, http: httpx2.AsyncClient, agent: str = "a client"
) -> str:
    """The address of a long poller whose handshake is done and read."""
    http.headers["User-Agent"] = agent
    answer = await http.post(f"{sample.url}/negotiate?negotiateVersion=1")
    place = f"{sample.url}?id={answer.json()['connectionToken']}"
    await http.get(place)
    await http.post(place, content=HANDSHAKE)
    said = b""
    while b'"greeting"' not in said:
        said += (await http.get(place)).content
    return place


async def test_a_poll_with_nothing_to_say_comes_back_empty(
    http: httpx2.AsyncClient,
) -> None:
    """Proxies and clients would give a quiet poll up as failed."""
    async with sample_server(poll_s=0.3, idle_s=120.0, outbound_s=120.0) as sample:
        place = await polling(sample, http)
        empty = await http.get(place)
        assert (empty.status_code, empty.content) == (200, b"")


async def test_a_newer_poll_takes_the_older_ones_place(
    sample: Sample, http: httpx2.AsyncClient
) -> None:
    """A message would go to a poll that its client has given up."""
    place = await polling(sample, http)
    older = asyncio.ensure_future(http.get(place))
    await wait_until(lambda: sample.polled() == [True])
    newer = asyncio.ensure_future(http.get(place))
    assert (await older).status_code == 204
    sample.ask(lambda: sample.hub.context.clients.all().send("news", 1))
    assert b'"news"' in (await newer).content


async def test_what_is_sent_between_polls_waits(
    sample: Sample, http: httpx2.AsyncClient
) -> None:
    """A message would be lost in the moment between two polls."""
    place = await polling(sample, http)
    sample.ask(lambda: sample.hub.context.clients.all().send("news", 1))
    assert b'"news"' in (await http.get(place)).content


async def test_a_client_that_left_its_poll_loses_nothing(
    sample: Sample, http: httpx2.AsyncClient
) -> None:
    """A message would be written to a socket that is gone."""
    place = await polling(sample, http)
    left = asyncio.create_task(http.get(place))
    await wait_until(lambda: sample.polled() == [True])
    left.cancel()
    await wait_until(lambda: sample.polled() == [False])
    sample.ask(lambda: sample.hub.context.clients.all().send("news", 1))
    assert b'"news"' in (await http.get(place)).content


async def test_a_poller_that_stays_away_is_gone(http: httpx2.AsyncClient) -> None:
    """People would be shown as present for ever."""
    # Half of the time for which it may stay away between its first requests, too.
    async with sample_server(poll_s=60.0, idle_s=3.0) as sample:
        place = await polling(sample, http)
        await wait_until(lambda: sample.hub.departures)
        assert "did not come back" in str(sample.hub.departures[0][1])
        assert (await http.get(place)).status_code == 404


async def test_one_client_gets_its_messages_one_by_one(
    sample: Sample, http: httpx2.AsyncClient
) -> None:
    """signalrcore would drop all but the first message of a poll."""
    place = await polling(sample, http, "Python-urllib/3.11")
    for number in range(3):
        await http.post(place, content=NEWS % number)
    for number in range(3):
        said = (await http.get(place)).content
        assert said.count(b"\x1e") == 1
        assert f'["{number}"]'.encode() in said
