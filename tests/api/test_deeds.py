"""If these fail, a route of the table does nothing, or a deed has no route."""

import pytest

from chatd.api.deeds import DEEDS
from chatd.store.people import PutPerson
from chatd_protocol.chat.routes import ROUTES
from tests.api.conftest import Api


def test_rows_and_deeds_are_the_same() -> None:
    """The published description would promise what is not there."""
    assert set(DEEDS) == {row.name for row in ROUTES if not row.lines}


@pytest.mark.parametrize("office", ["moderation", "safeguarding"])
async def test_a_service_has_a_queue_without_asking_for_it(
    api: Api, office: str
) -> None:
    """Who looks after a school's reports would be told that there is no such thing."""
    path, headers = f"/v1/{office}/reports", api.headers("automation", office)
    for query in ("", "?box=queue", "?box=mine"):
        answer = await api.http.get(f"{path}{query}", headers=headers)
        assert (answer.status_code, answer.json()) == (200, {"reports": []}), query


async def test_a_trigger_sends_through_a_service(api: Api) -> None:
    """A row of somebody's table could not become a message, or would become two; an
    unknown name in it would keep the others from theirs (PLU-9, PLU-12)."""
    await api.house.write(PutPerson("office", "The office", ("admin",)))
    await api.house.people("ben", "carl")
    row = {
        "recipients": [
            {"kind": "user", "id": one} for one in ("ben", "nobody", "carl")
        ],
        "mode": "individual",
        "clientRequestId": "table-7-row-12",
        "message": {"clientMessageId": "row-12", "text": "Ben, lesson at nine"},
    }
    service = api.headers("automation", "messages") | {"Chatd-Act-As": "office"}
    answers = [
        (await api.http.post("/v1/conversations", headers=service, json=row)).json()
        for _ in range(2)
    ]
    assert answers[0]["individual"] == answers[1]["individual"]
    assert answers[0]["individual"]["count"] == 2
    assert answers[0]["refused"] == [{"userId": "nobody", "code": "recipient_unknown"}]
    (place,) = (await api.ask("GET", "/v1/conversations", "ben")).json()[
        "conversations"
    ]
    assert place["lastMessage"]["author"]["id"] == "office"
    assert place["unread"]["count"] == 1
