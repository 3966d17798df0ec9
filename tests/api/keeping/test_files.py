"""If these fail, a file of a removed message is lost to an inquiry, or open to all."""

from chatd.store.messages import RemoveMessage
from tests.api.conftest import Api


async def test_a_kept_file(api: Api) -> None:
    """Whoever looks into a case could not see the picture that it is about."""
    await api.house.people("sue", "tom")
    await api.house.conversation("talk", "sue", "tom")
    sent = await api.http.post(
        "/v1/attachments",
        headers=api.headers("sue"),
        files={"file": ("a.txt", b"evidence")},
    )
    id_ = sent.json()["id"]
    body = {"clientMessageId": "k", "attachmentIds": [id_]}
    said = await api.ask("POST", "/v1/conversations/talk/messages", "sue", json=body)
    gone = RemoveMessage(said.json()["id"], "talk", "sue", None, "removed", keep_days=9)
    await api.house.write(gone)
    lead = api.headers("lead", "safeguarding")
    url = f"/v1/vault/files/{id_}"
    answer = await api.http.get(url, headers=lead)
    assert (answer.status_code, answer.content) == (200, b"evidence")
    assert answer.headers["content-disposition"].startswith("attachment;")
    for headers in (api.headers("sue"), api.headers("lms", "admin")):
        assert (await api.http.get(url, headers=headers)).status_code == 403
    own = await api.ask("GET", f"/v1/attachments/{id_}", "sue")
    assert own.status_code == 404
