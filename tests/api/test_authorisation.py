"""If these fail, somebody reads or changes what is not theirs, or learns that it is.

Every route with an id, asked by a stranger of the same tenant, by somebody of another
tenant, and for an id that nobody ever had: one and the same answer. Every route with a
scope, asked by a person and by services with every other scope: refused. What the deeds
behind the personal routes answer to whom is the table tests/actions/authorisation.txt.
"""

import re
import typing

import httpx2
import pytest

from chatd.actions.directory.kinds import ROSTERS
from chatd.store.messages import InsertMessage
from chatd.store.people import PutPerson
from chatd.store.rosters import PutRoster
from chatd.store.tenants import PutTenant
from chatd_protocol.chat.http.rows import RouteRow, Scope
from chatd_protocol.chat.routes import ROUTES
from tests.api.conftest import Api

WITH_IDS = [
    row
    for row in ROUTES
    if row.scope is None
    # Staff's own, refused to everybody else before anything is looked for.
    and not row.path.startswith("/v1/users/")
    and ("{conversationId}" in row.path or "{messageId}" in row.path)
]
BODIES: dict[str, dict] = {
    "changeConversation": {"title": "Mine now", "muted": True},
    "sendMessage": {"text": "x", "clientMessageId": "k"},
    "editMessage": {"text": "x"},
    "forwardMessage": {"conversationId": "private", "clientMessageId": "f"},
    "addParticipants": {"userIds": ["carl"]},
    "reportMessage": {"clientRequestId": "r", "teacherId": "ben"},
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


SCOPES = typing.get_args(Scope)
SCOPED = [row for row in ROUTES if row.scope is not None]
DIRECTORY_BODIES: dict[str, dict] = {
    "putUser": {"name": "Zoe", "roles": ["student"]},
    "putCourse": {"name": "Math"},
    "putProject": {"name": "Fair"},
    "putCourseMember": {"role": "student"},
    "putGroup": {"name": "Choir", "courseId": "math"},
    "putUnit": {"name": "North"},
    "putTenant": {"name": "School", "preset": "itslearning"},
}


async def direct(
    api: Api, row: RouteRow, tenant: str, user: str, *scopes: str
) -> httpx2.Response:
    names = re.findall(r"{(\w+)}", row.path)
    ids = {name: "school" if name == "tenantId" else "thing" for name in names}
    body = DIRECTORY_BODIES.get(row.name, {} if row.method == "PUT" else None)
    headers = api.headers(user, *scopes, tenant=tenant)
    return await api.http.request(
        row.method, row.path.format(**ids), headers=headers, json=body
    )


@pytest.mark.parametrize("row", SCOPED, ids=lambda row: row.name)
async def test_a_scope_opens_its_own_routes_alone(private: Api, row: RouteRow) -> None:
    """A person, or a service with another task, would direct the school."""
    others = [scope for scope in SCOPES if scope != row.scope]
    for user, scopes in (("anna", ()), ("lms", others)):
        answer = await direct(private, row, "school", user, *scopes)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), user
    allowed = await direct(private, row, "school", "lms", str(row.scope))
    # Let in: what it is about may not be there.
    assert allowed.status_code in (200, 204, 400, 404, 415), allowed.text


@pytest.mark.parametrize("row", SCOPED, ids=lambda row: row.name)
async def test_a_service_of_another_school_reaches_nothing(
    private: Api, row: RouteRow
) -> None:
    """One school's platform would read or change another's directory."""
    await private.house.write(
        PutPerson("thing", "Canary", ("student",)),
        *(PutRoster(kind, "thing", "Canary") for kind in ROSTERS),
    )
    paths = ("users", *(f"{kind}s" for kind in ROSTERS))
    before = [(await private.ask("GET", f"/v1/{name}/thing")).json() for name in paths]
    assert len([one for one in before if one["name"] == "Canary"]) == len(paths)
    answer = await direct(private, row, "other", "lms", str(row.scope))
    assert "Canary" not in answer.text
    # The tests' issuer is the operator's, who makes tenants.
    if "{tenantId}" in row.path and row.name != "putTenant":
        assert answer.status_code in (403, 404)
    after = [(await private.ask("GET", f"/v1/{name}/thing")).json() for name in paths]
    assert after == before
