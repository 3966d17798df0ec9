"""If these fail, the published description of the HTTP API is wrong or unreadable."""

import schemathesis

from chatd_protocol.chat.routes import OPEN_ROUTES, ROUTES
from chatd_protocol.export.openapi import openapi
from chatd_protocol.export.published import published

DOCUMENT: dict = openapi()


def operation(method: str, path: str) -> dict:
    found = DOCUMENT["paths"][path][method]
    assert isinstance(found, dict)
    return found


def test_it_is_openapi() -> None:
    """No tool would read the document."""
    schemathesis.openapi.from_dict(DOCUMENT).validate()
    assert published("openapi.json").startswith(b'{\n  "openapi": "3.1.0"')


def test_every_route_is_described_once() -> None:
    """A route would be hidden, or promised though it is not there."""
    described = {
        operation["operationId"]
        for path in DOCUMENT["paths"].values()
        for operation in path.values()
    }
    names = {row.name for row in ROUTES} | {row.name for row in OPEN_ROUTES}
    assert described == names
    count = sum(len(path) for path in DOCUMENT["paths"].values())
    assert count == len(ROUTES) + len(OPEN_ROUTES)


def test_fields_are_described_where_they_are_read() -> None:
    """A generated client would put a field where the server does not look."""
    send = operation("post", "/v1/conversations/{conversationId}/messages")
    places = {(row["in"], row["name"]) for row in send["parameters"] if "name" in row}
    assert places == {("path", "conversationId"), ("header", "Idempotency-Key")}
    body = send["requestBody"]["content"]["application/json"]["schema"]
    fields = {"clientMessageId", "text", "attachmentIds", "replyToId"}
    assert set(body["properties"]) == fields
    delete = operation("delete", "/v1/messages/{messageId}")
    names = [row.get("name") for row in delete["parameters"]]
    assert names[:2] == ["messageId", "scope"]
    assert "requestBody" not in delete


def test_refusals_are_problems() -> None:
    """A client would not find the code of a refusal."""
    answers = operation("get", "/v1/me")["responses"]
    assert answers["404"] == {"$ref": "#/components/responses/Problem404"}
    described = DOCUMENT["components"]["responses"]["Problem404"]
    assert "application/problem+json" in described["content"]
    assert "`not_found`" in described["description"]
    assert "Retry-After" in DOCUMENT["components"]["responses"]["Problem429"]["headers"]


def test_scopes_are_told() -> None:
    """A service would not know which scope to ask for."""
    put = operation("put", "/v1/users/{userId}")
    assert put["security"] == [{"bearer": ["directory"]}]
    assert operation("get", "/livez")["security"] == []


def test_files_are_bytes() -> None:
    """A generated client would send a file as text, or read one as JSON."""
    upload = operation("post", "/v1/attachments")["requestBody"]
    assert upload["required"] is True
    form = upload["content"]["multipart/form-data"]["schema"]
    binary = {"type": "string", "format": "binary"}
    assert form["properties"]["file"] == binary
    download = operation("get", "/v1/attachments/{attachmentId}")["responses"]
    assert download["200"]["content"]["*/*"]["schema"] == binary
