"""What people wrote, and what lets them in, is in no log at any level (ASVS 16.2.5).

One word stands in for everything that people can write. It goes into every place that
takes text, rightly and wrongly, on every transport; then the log is searched for it.
"""

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, quote_plus

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from chatd_client import ChatClient, Refused
from chatd_protocol.chat import requests
from chatd_protocol.chat.results import ConversationStarted
from tests.support.server import Server, serving
from tests.support.tokens import SECRET, token
from tests.support.waiting import wait_until

CANARY = "cwtch-quokka-örbit"
END = "\x1e"


async def of_the_hub(server: Server, access: str) -> None:
    """All that a client library does in a day."""
    async with ChatClient(server.url, access) as anna:
        started = await anna.call(
            requests.StartConversation(
                recipients=(
                    requests.Recipient(kind="user", id="s001"),
                    requests.Recipient(kind="user", id="s002"),
                ),
                title=f"{CANARY} title",
                client_request_id=f"{CANARY} request",
            ),
            ConversationStarted,
        )
        assert started.conversation is not None
        id_ = started.conversation.id
        sent = await anna.send(id_, f"{CANARY} text https://{CANARY}.example/")
        for request in (
            requests.EditMessage(message_id=sent.id, text=f"{CANARY} edited"),
            requests.RenameConversation(conversation_id=id_, title=f"{CANARY} two"),
            requests.SetConversationPreferences(conversation_id=id_, draft=CANARY),
            requests.SearchRecipients(text=CANARY),
            requests.DeleteMessage(message_id=sent.id),
        ):
            await anna.call(request)
        with pytest.raises(Refused):
            await anna.call(requests.GetConversation(conversation_id=CANARY))


async def of_a_stranger(server: Server, access: str) -> None:
    """Calls that no client library would make."""
    address = f"{server.url.replace('http', 'ws')}/hub"
    words = f"access_token={quote(access)}&secret={quote(CANARY)}"
    calls = [
        ("SendMessage", [{"conversationId": "x", "text": CANARY, CANARY: 1}]),
        ("SendMessage", [{"conversationId": "x", "text": [CANARY]}]),
        ("SendMessage", [CANARY, CANARY]),
        ("GetMe", [{"canary": CANARY}]),
        (CANARY, []),
        ("RefreshToken", [{"token": f"{CANARY}.{CANARY}.{CANARY}"}]),
    ]
    async with connect(f"{address}?{words}") as socket:
        await socket.send('{"protocol":"json","version":1}' + END)
        await socket.recv()
        for number, (target, arguments) in enumerate(calls):
            call = {"type": 1, "invocationId": str(number), "target": target}
            given = call | {"arguments": arguments, "headers": {"traceparent": CANARY}}
            await socket.send(json.dumps(given) + END)
        answered = ""
        while answered.count('"type":3') < len(calls):
            answered += str(await socket.recv())
        await socket.send('{"type":1,"target":"' + CANARY + END)
        with suppress(ConnectionClosed):
            async for _ in socket:
                pass
    for query in (f"access_token={quote(CANARY)}", f"id={quote(CANARY)}&{words}"):
        with pytest.raises(InvalidStatus):
            await connect(f"{address}?{query}")


async def over_http(server: Server, access: str) -> None:
    """The other door, and the other transports."""
    word, service = quote(CANARY), token("lms", scope="directory messages")
    mine = {"Authorization": f"Bearer {access}", "traceparent": word}
    theirs = {"Authorization": f"Bearer {service}", "Cookie": f"c={word}"}
    bad = {"Authorization": f"Bearer {word}"}
    person = {"name": CANARY, "roles": ["student"], "email": f"{word}@example.org"}
    async with httpx2.AsyncClient(base_url=server.url, timeout=30) as http:
        await http.put(f"/v1/users/{word}", json=person, headers=theirs)
        await http.put("/v1/users/x", json={"name": [CANARY]}, headers=theirs)
        await http.put("/v1/users/x", content=CANARY.encode(), headers=theirs)
        await http.get(f"/v1/users/{word}?{word}={word}", headers=theirs)
        await http.get("/v1/me", headers=mine)
        await http.get("/v1/me", headers=bad)
        await http.get("/v1/me", headers=theirs | {"Chatd-Act-As": word})
        await http.get(f"/{word}?access_token={access}")
        body = {"text": CANARY, "clientMessageId": CANARY}
        await http.post(f"/v1/conversations/{word}/messages", json=body, headers=mine)
        query = {"access_token": access, "negotiateVersion": "1", "secret": CANARY}
        made = await http.post("/hub/negotiate", params=query)
        place = {"id": made.json()["connectionToken"], "access_token": access}
        await http.get("/hub", params=place)
        polled = asyncio.create_task(http.get("/hub", params=place))
        await http.post("/hub", params=place, content=f'{{"{CANARY}":1}}{END}'.encode())
        await polled
        await http.delete("/hub", params=place)


async def test_no_text_and_no_secret_is_in_the_log(tmp_path: Path) -> None:
    """Whoever reads the logs would read along, or sign in as somebody."""
    access, service = token("anna"), token("lms", scope="directory messages")
    async with serving(tmp_path, "--demo", "--log-level", "debug") as server:
        await of_the_hub(server, access)
        await of_a_stranger(server, access)
        await over_http(server, access)
        await wait_until(lambda: server.log.count("connection ended") >= 2)
    lines = [line for line in server.log.splitlines() if "http://" not in line]
    said = [json.loads(line) for line in lines]
    assert {"call", "connection ended", "token refused"} <= {
        one["event"] for one in said
    }
    written = {CANARY, quote(CANARY), quote_plus(CANARY), json.dumps(CANARY)[1:-1]}
    for secret in (*written, "quokka", access, service, SECRET):
        found = [line for line in lines if secret in line]
        assert not found, found[0]
