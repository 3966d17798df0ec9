"""Every limit that is published holds in the whole server, at the value that was set.

One trial a limit: the server is started with a small value, somebody stays within it
and somebody goes beyond. A limit without a trial fails the first test.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

import httpx2
import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from chatd.limits import Limits
from chatd.store.transaction import Transaction
from tests.hub.peers import CallError, House, Peer, open_house
from tests.support.counted import value
from tests.support.waiting import wait_until

MEMBERS = ("anna", "ben", "carl")
Trial = Callable[[House], Awaitable[None]]
NDJSON = {"Content-Type": "application/x-ndjson"}
SLOW = "chatd_slow_consumer_closes_total"


async def say(peer: Peer, text: str, number: int = 0) -> dict:
    words = {"conversationId": "talk", "clientMessageId": f"m{number}"}
    return await peer.call("SendMessage", **words, text=text)


async def said(house: House, count: int, text: str = "hello") -> Peer:
    """Anna, who has written that many messages to everybody."""
    await house.group("talk", *MEMBERS)
    anna = await house.join("anna")
    for number in range(count):
        await say(anna, text, number)
    return anna


async def status(house: House, body: bytes = b"", **headers: str) -> int:
    signed = {"Authorization": f"Bearer {house.token('anna')}", **headers}
    async with httpx2.AsyncClient(base_url=house.url) as http:
        if not body:
            return (await http.get("/v1/me", headers=signed)).status_code
        path = "/v1/conversations"
        return (await http.post(path, content=body, headers=signed)).status_code


async def refused(peer: Peer, method: str, code: str, **argument: object) -> dict:
    error = await peer.refusal(method, argument)
    assert error.code == code
    return error.facts


async def message_text(house: House) -> None:
    anna = await said(house, 0)
    await say(anna, "12345")
    words = {"conversationId": "talk", "clientMessageId": "x", "text": "123456"}
    await refused(anna, "SendMessage", "invalid_request", **words)


async def hub_message(house: House) -> None:
    anna = await said(house, 0)
    text = str(await anna.refusal("GetMe", {"x": "y" * 3_000}))
    assert "over the limit of 2000" in text
    await anna.call("GetMe")


async def websocket_message(house: House) -> None:
    anna = await said(house, 0)
    await anna.send(type=6, padding="x" * 5_000)
    await anna.end()
    assert anna._socket.close_code == 1009


async def header_bytes(house: House) -> None:
    assert await status(house, x="y" * 1_000) == 200
    assert await status(house, x="y" * 3_000) == 431


async def headers(house: House) -> None:
    assert await status(house, a="1") == 200
    many = {f"x-{number}": "1" for number in range(20)}
    assert await status(house, b"", **many) == 431


async def recipients(house: House) -> None:
    anna = await said(house, 0)
    people = [{"kind": "user", "id": one} for one in ("ben", "carl")]
    asked = {"recipients": people, "clientRequestId": "r"}
    facts = await refused(anna, "StartConversation", "too_many_recipients", **asked)
    assert facts == {"count": 2, "max": 1}


async def page_items(house: House) -> None:
    anna = await said(house, 3)
    page = await anna.call("ListMessages", conversationId="talk", limit=50)
    assert (len(page["messages"]), page["hasBefore"]) == (2, True)


async def sync_bytes(house: House) -> None:
    anna = await said(house, 3, "x" * 1_000)
    answer = await anna.call("Sync", cursors={"talk": 0})
    assert answer["more"]


async def sync_events(house: House) -> None:
    anna = await said(house, 3)
    near = await anna.call("Sync", cursors={"talk": 2})
    far = await anna.call("Sync", cursors={"talk": 1})
    assert "tooLong" not in near["conversations"][0]
    assert far["conversations"][0]["tooLong"]


async def per_user(house: House) -> None:
    await house.join("anna")
    second = await house.join("anna")
    assert "rate_limited" in (await second.end())["error"]


async def per_address(house: House) -> None:
    await house.join("anna")
    with pytest.raises(InvalidStatus) as caught:
        await house.join("ben")
    assert caught.value.response.status_code == 429


async def openings(house: House) -> None:
    address = f"{house.url.replace('http', 'ws')}/hub?access_token="
    async with connect(address + house.token("anna")):
        with pytest.raises(InvalidStatus) as caught:
            await connect(address + house.token("ben"))
        assert caught.value.response.status_code == 429


async def outbound(house: House) -> None:
    """Ben asks for everything and reads nothing, until the server has had enough."""
    anna, slow = await said(house, 0), value(SLOW)
    host, _, port = house.url.removeprefix("http://").partition(":")
    with socket.socket() as ben:
        ben.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        ben.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(ben, (host, int(port)))
        upgrade, handshake = opening(house.token("ben"))
        await loop.sock_sendall(ben, upgrade)
        assert b"101" in await loop.sock_recv(ben, 1_000)
        await loop.sock_sendall(ben, handshake)
        assert await loop.sock_recv(ben, 100) == b"\x81\x03{}\x1e"

        async def flood() -> None:
            for number in range(2_000):
                await say(anna, "x" * 16_000, number)
                if value(SLOW) > slow:
                    return

        async with asyncio.timeout(200):
            await flood()
            await wait_until(lambda: value(SLOW) == slow + 1, 60)
    await say(anna, "and on it goes", 9_999)


def opening(token: str) -> tuple[bytes, bytes]:
    """A WebSocket upgrade, and the hub's handshake in one masked frame."""
    words = b'{"protocol":"json","version":1}\x1e'
    frame = bytes([0x81, 0x80 | len(words), 0, 0, 0, 0]) + words
    return (
        f"GET /hub?access_token={token} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode(), frame


async def invocations(house: House) -> None:
    anna = await said(house, 0)
    waiting = [await anna.start(1, "GetMe", {}) for _ in range(50)]
    # Nobody is closed and nothing is lost: the rest is read later.
    assert len([await anna.answer(number) for number in waiting]) == 50


async def first_refusal(peer: Peer, method: str, **argument: object) -> CallError:
    """Of many calls in a row: a bucket that fills again lets a slow caller do more."""
    for _ in range(100):
        try:
            await peer.call(method, **argument)
        except CallError as error:
            return error
    raise AssertionError(f"{method} was never refused")


async def sends(house: House) -> None:
    anna = await said(house, 2)
    words = {"conversationId": "talk", "clientMessageId": "x", "text": "more"}
    error = await first_refusal(anna, "SendMessage", **words)
    assert (error.code, error.facts) == ("rate_limited", {"retryAfter": 1})


async def reads(house: House) -> None:
    # Joining has cost one.
    anna = await house.join("anna")
    await anna.call("GetUnread")
    error = await first_refusal(anna, "GetUnread")
    assert (error.code, error.facts) == ("rate_limited", {"retryAfter": 1})


async def starts(house: House) -> None:
    anna = await house.join("anna")
    asked = {"recipients": [{"kind": "user", "id": "ben"}], "clientRequestId": "r"}
    await anna.refusal("StartConversation", asked)
    facts = await refused(anna, "StartConversation", "rate_limited", **asked)
    assert 3_500 < facts["retryAfter"] <= 3_600


async def reports(house: House) -> None:
    anna = await house.join("anna")
    asked = {"messageId": "none", "clientRequestId": "r"}
    await anna.refusal("ReportMessage", asked)
    facts = await refused(anna, "ReportMessage", "rate_limited", **asked)
    assert 3_500 < facts["retryAfter"] <= 3_600


async def unread(house: House) -> None:
    await said(house, 3)
    ben = await house.join("ben")
    seen = await ben.call("GetConversation", conversationId="talk")
    assert (seen["unread"]["count"], seen["unread"]["capped"]) == (2, True)


async def body(house: House) -> None:
    assert await status(house, body=b"{}" + b" " * 50) != 413
    assert await status(house, body=b"{}" + b" " * 500) == 413


async def bulk(house: House) -> None:
    service = {"Authorization": f"Bearer {house.token('lms', scope='directory')}"}
    line = b'{"kind":"user","id":"dora","name":"Dora","roles":["student"]}\n'
    async with httpx2.AsyncClient(base_url=house.url, headers=service) as http:
        few = await http.post("/v1/directory", content=line, headers=NDJSON)
        many = await http.post("/v1/directory", content=line * 9, headers=NDJSON)
    assert (few.status_code, many.status_code) == (200, 413)


async def upload(house: House, size: int) -> httpx2.Response:
    signed = {"Authorization": f"Bearer {house.token('anna')}"}
    async with httpx2.AsyncClient(base_url=house.url, headers=signed) as http:
        file = {"file": ("notes.txt", b"x" * size)}
        return await http.post("/v1/attachments", files=file)


async def file_size(house: House) -> None:
    assert (await upload(house, 500)).status_code == 200
    answer = await upload(house, 501)
    assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")


async def files_of_all(house: House) -> None:
    assert (await upload(house, 500)).status_code == 200
    answer = await upload(house, 500)
    assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")


async def unclaimed(house: House) -> None:
    assert (await upload(house, 10)).status_code == 200
    answer = await upload(house, 10)
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")


async def files_of_one(house: House) -> None:
    anna = await said(house, 0)
    ids = [(await upload(house, 10)).json()["id"] for _ in range(2)]
    words = {"conversationId": "talk", "clientMessageId": "x", "attachmentIds": ids}
    facts = await refused(anna, "SendMessage", "invalid_request", **words)
    assert facts["errors"][0]["code"] == "too_many"


async def uploads(house: House) -> None:
    """While one is still coming, the next one is one too many."""
    begun, going_on = asyncio.Event(), asyncio.Event()
    signed = {
        "Authorization": f"Bearer {house.token('anna')}",
        "Content-Type": "multipart/form-data; boundary=b",
    }
    head = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    )

    async def slowly() -> AsyncIterator[bytes]:
        yield head + b"x" * 70_000
        begun.set()
        await going_on.wait()
        yield b"x\r\n--b--\r\n"

    async def is_coming() -> bool:
        return await house.installation.store.read(blobs_begun) == 1

    async with (
        httpx2.AsyncClient(base_url=house.url, headers=signed, timeout=60) as http,
        asyncio.TaskGroup() as tasks,
    ):
        first = tasks.create_task(http.post("/v1/attachments", content=slowly()))
        await begun.wait()
        await wait_until(is_coming)
        assert (await upload(house, 10)).status_code == 429
        going_on.set()
    assert first.result().status_code == 200
    assert (await upload(house, 10)).status_code == 200


async def blobs_begun(tx: Transaction) -> int:
    """Files whose bytes are on their way, or to be deleted."""
    row = await tx.one("SELECT count(*) FROM doomed_blob")
    return 0 if row is None else int(str(row[0]))


async def requests_at_once(house: House) -> None:
    """While the body of one is still coming, the next one is one too many."""
    begun, going_on = asyncio.Event(), asyncio.Event()
    signed = {"Authorization": f"Bearer {house.token('anna')}"}

    async def slowly() -> AsyncIterator[bytes]:
        yield b'{"seq":'
        begun.set()
        await going_on.wait()
        yield b"1}"

    async def one_too_many() -> bool:
        return await status(house) == 429

    async with (
        httpx2.AsyncClient(base_url=house.url, headers=signed, timeout=60) as http,
        asyncio.TaskGroup() as tasks,
    ):
        path, kind = "/v1/conversations/none/read", {"Content-Type": "application/json"}
        first = tasks.create_task(http.put(path, content=slowly(), headers=kind))
        await begun.wait()
        await wait_until(one_too_many)
        going_on.set()
    assert first.result().status_code == 404
    assert await status(house) == 200


async def in_view(house: House) -> None:
    anna = await said(house, 0)
    seen = await anna.call("GetConversation", conversationId="talk")
    assert len(seen["participants"]) == 1


TRIALS: Mapping[str, tuple[dict[str, int], Trial]] = {
    "message_text_code_points": ({"message_text_code_points": 5}, message_text),
    "hub_message_bytes": ({"hub_message_bytes": 2_000}, hub_message),
    "websocket_message_bytes": ({"websocket_message_bytes": 4_000}, websocket_message),
    "request_header_bytes": ({"request_header_bytes": 2_000}, header_bytes),
    "request_headers": ({"request_headers": 15}, headers),
    "attachment_bytes": ({"attachment_bytes": 500}, file_size),
    "attachments_per_message": ({"attachments_per_message": 1}, files_of_one),
    "attachments_bytes_per_tenant": (
        {"attachments_bytes_per_tenant": 500},
        files_of_all,
    ),
    "unclaimed_uploads": ({"unclaimed_uploads": 1}, unclaimed),
    "uploads_at_once": ({"uploads_at_once": 1}, uploads),
    "recipients": ({"recipients": 1}, recipients),
    "page_items": ({"page_items": 2}, page_items),
    "sync_answer_bytes": ({"sync_answer_bytes": 1_500}, sync_bytes),
    "sync_events_per_conversation": ({"sync_events_per_conversation": 2}, sync_events),
    "connections_per_user": ({"connections_per_user": 1}, per_user),
    "connections_per_address": ({"connections_per_address": 1}, per_address),
    "openings_per_address": ({"openings_per_address": 1}, openings),
    "outbound_queue_bytes": (
        {"outbound_queue_bytes": 40_000, "sends_per_second": 9_999, "sends_burst": 999},
        outbound,
    ),
    "outbound_queue_seconds": (
        {
            "outbound_queue_bytes": 99_000_000,
            "outbound_queue_seconds": 1,
            "sends_per_second": 9_999,
            "sends_burst": 999,
        },
        outbound,
    ),
    "invocation_queue": ({"invocation_queue": 2}, invocations),
    "sends_per_second": ({"sends_per_second": 1, "sends_burst": 2}, sends),
    "sends_burst": ({"sends_per_second": 1, "sends_burst": 2}, sends),
    "reads_per_second": ({"reads_per_second": 1, "reads_burst": 2}, reads),
    "reads_burst": ({"reads_per_second": 1, "reads_burst": 2}, reads),
    "new_conversations_per_hour": ({"new_conversations_per_hour": 1}, starts),
    "reports_per_hour": ({"reports_per_hour": 1}, reports),
    "unread_exact": ({"unread_exact": 2}, unread),
    "http_body_bytes": ({"http_body_bytes": 100}, body),
    "http_requests_at_once": ({"http_requests_at_once": 1}, requests_at_once),
    "directory_import_bytes": ({"directory_import_bytes": 200}, bulk),
    "participants_in_view": ({"participants_in_view": 1}, in_view),
}


def test_every_limit_has_its_trial() -> None:
    """A limit would be published that nothing keeps to."""
    assert TRIALS.keys() == {one.name for one in msgspec.structs.fields(Limits)}


@pytest.mark.parametrize("name", TRIALS)
async def test_it_holds(name: str, tmp_path: Path) -> None:
    """An installation would set a bound and have none."""
    settings, trial = TRIALS[name]
    async with open_house(tmp_path, settings) as house:
        await trial(house)
