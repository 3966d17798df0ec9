"""If these fail, somebody reads or changes what is not theirs, or learns that it is.

Every route with an id, asked by a stranger of the same tenant, by somebody of another
tenant, and for an id that nobody ever had: one and the same answer.
"""

import httpx2
import pytest

from chatd.store.messages import InsertMessage
from chatd.store.people import PutPerson
from chatd.store.tenants import PutTenant
from chatd_protocol.chat.routes import ROUTES, RouteRow
from tests.api.conftest import Api

WITH_IDS = [
    row
    for row in ROUTES
    if row.scope is None
    and ("{conversationId}" in row.path or "{messageId}" in row.path)
]
BODIES: dict[str, dict] = {
    "changeConversation": {"title": "Mine now", "muted": True},
    "sendMessage": {"text": "x", "clientMessageId": "k"},
    "editMessage": {"text": "x"},
    "addParticipants": {"userIds": ["carl"]},
    "markRead": {"seq": 1},
}


@pytest.fixture
async def private(api: Api) -> Api:
    """Anna's and Ben's conversation with a message; Carl and another tenant's Anna."""
    await api.house.people("anna", "ben", "carl")
    await api.house.conversation("private", "anna", "ben")
    message = InsertMessage(
        id="m1",
        conversation_id="private",
        author_id="anna",
        kind="text",
        text="between us",
        client_message_id="c1",
        digest=b"d",
    )
    await api.house.write(message)
    await api.house.write(PutTenant("Other", "itslearning"), tenant="other")
    await api.house.write(PutPerson("anna", "Anna", ("admin",)), tenant="other")
    return api


async def ask(
    api: Api, row: RouteRow, user: str, *, tenant: str = "school", known: bool = True
) -> httpx2.Response:
    ids = ("private", "m1", "ben") if known else ("nothing", "nothing", "nobody")
    path = row.path.format(conversationId=ids[0], messageId=ids[1], userId=ids[2])
    body = BODIES.get(row.name)
    return await api.http.request(
        row.method, path, headers=api.headers(user, tenant=tenant), json=body
    )


@pytest.mark.parametrize("row", WITH_IDS, ids=lambda row: row.name)
async def test_strangers_learn_nothing(private: Api, row: RouteRow) -> None:
    """An id that somebody else has would be told from one that nobody has."""
    answers = [
        await ask(private, row, "carl"),
        await ask(private, row, "anna", tenant="other"),
        await ask(private, row, "carl", known=False),
        await ask(private, row, "anna", known=False),
    ]
    bodies = [{**answer.json(), "requestId": ""} for answer in answers]
    assert bodies[0]["code"] == "not_found"
    assert all(body == bodies[0] for body in bodies)
    assert {answer.status_code for answer in answers} == {404}


@pytest.mark.parametrize("row", WITH_IDS, ids=lambda row: row.name)
async def test_members_are_answered(private: Api, row: RouteRow) -> None:
    """The answer above would be the same for everybody."""
    answer = await ask(private, row, "anna")
    assert answer.status_code in (200, 204, 403), answer.text
