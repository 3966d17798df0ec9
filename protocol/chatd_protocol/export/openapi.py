"""OpenAPI 3.1 of the HTTP API, from the table of routes.

Every path, parameter, body and answer follows from a row of `chat/routes.py`; every
problem from a row of `errors.json`.
"""

from collections import defaultdict

from chatd_protocol.chat.errors import ERRORS, Problem
from chatd_protocol.chat.files import FileBytes
from chatd_protocol.chat.http.rows import RouteRow
from chatd_protocol.chat.results import Empty
from chatd_protocol.chat.routes import OPEN_ROUTES, ROUTES, OpenRoute
from chatd_protocol.export.schemas import NULL, Schema, as_object, schemas, summary

_DESCRIPTION = """\
The HTTP door of chatd: the same deeds as the hub's, with the same request and result
types, and the directory through which a platform tells its people and courses.

**Who calls.** `Authorization: Bearer` with a JWT (`sub`, `tenant`, `exp`; `scope` for
services). A service token with the scope `messages` acts for a user of its tenant by
the header `Chatd-Act-As`. What a caller may not see is answered as if it did not exist.

**Refusals** are `application/problem+json` (RFC 9457): the `code` is for programs, the
`detail` for people. With status 429 and 503, `Retry-After` says when to come back.

**Pages.** A list takes `cursor` and `limit`; its answer has `next` while there is more.
Cursors are opaque and stay valid for the same query.

**Once.** A `POST` that creates something has a key by which a repetition is recognised:
a field of its body, or the header `Idempotency-Key`. The same key with the same body is
answered with the stored result; with another body it is `idempotency_conflict`."""

_READ = ("400", "401", "403", "404", "429", "503")
_WRITE = (*_READ, "409", "422", "507")
_SCHEMAS = "#/components/schemas/"


def openapi() -> Schema:
    """The document, ready to be served as `/v1/openapi.json`."""
    components = schemas(f"{_SCHEMAS}{{}}".format)
    paths: dict[str, dict[str, object]] = defaultdict(dict)
    for row in ROUTES:
        paths[row.path][row.method.lower()] = _operation(row, components)
    for route in OPEN_ROUTES:
        paths[route.path]["get"] = _open_operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "chatd: the HTTP API",
            "version": "1",
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "Where this document came from."}],
        "security": [{"bearer": []}],
        "tags": [
            {"name": tag} for tag in (*dict.fromkeys(map(_tag, ROUTES)), "server")
        ],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": _problems(),
            "parameters": {"ActAs": _ACT_AS},
            "headers": {"RetryAfter": _RETRY_AFTER},
            "securitySchemes": {"bearer": _BEARER},
        },
    }


_BEARER: Schema = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "Claims `sub`, `tenant`, `exp`; `scope` for service tokens.",
}
_ACT_AS: Schema = {
    "name": "Chatd-Act-As",
    "in": "header",
    "required": False,
    "description": "The user for whom a service token with the scope `messages` acts.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 128},
}
_RETRY_AFTER: Schema = {
    "description": "Seconds to wait before the same request can succeed.",
    "schema": {"type": "integer", "minimum": 0},
}


def _tag(row: RouteRow) -> str:
    return row.path.split("/")[2]


def _operation(row: RouteRow, components: dict[str, Schema]) -> Schema:
    request = components[row.request.__name__]
    fields = as_object(request.get("properties", {}))
    required = request.get("required", [])
    assert isinstance(required, list)
    places = row.places()
    parameters: list[Schema] = []
    for name, schema in fields.items():
        place = places[name]
        if place in ("path", "query"):
            parameters.append(_parameter(name, place, schema, name in required))
        elif place == "key":
            parameters.append(_key(name, schema))
    if row.scope is None:
        parameters.append({"$ref": "#/components/parameters/ActAs"})
    operation: Schema = {
        "operationId": row.name,
        "tags": [_tag(row)],
        "summary": summary(row.request),
        "security": [{"bearer": [row.scope] if row.scope else []}],
        "parameters": parameters,
        "responses": _responses(row),
    }
    if row.scope:
        operation["description"] = f"Needs the scope `{row.scope}`."
    body = [name for name, place in places.items() if place in ("body", "key")]
    if row.method not in ("GET", "DELETE") and body:
        operation["requestBody"] = _body(row, request, body)
    return operation


def _parameter(name: str, place: str, schema: object, required: bool) -> Schema:
    return {
        "name": name,
        "in": place,
        "required": required,
        "schema": _never_null(as_object(schema)),
    }


def _key(name: str, schema: object) -> Schema:
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": f"The same as `{name}` in the body; one of the two is needed.",
        "schema": _never_null(as_object(schema)),
    }


def _never_null(schema: Schema) -> Schema:
    """A schema without its `null`: outside JSON, absence is the only absence."""
    match schema:
        case {"anyOf": [dict() as only, null], **rest} if null == NULL:
            return {**only, **rest}
    return schema


def _body(row: RouteRow, request: Schema, fields: list[str]) -> Schema:
    """The request without what comes by path, query or header."""
    every = as_object(request["properties"])
    required = request.get("required", [])
    assert isinstance(required, list)
    needed = [name for name in required if name in fields and name != row.key]
    if row.form:
        every = {name: _as_part(as_object(one)) for name, one in every.items()}
    elif len(fields) == len(every) and needed == required:
        return _bodied(row, {"$ref": f"{_SCHEMAS}{row.request.__name__}"}, needed)
    properties = {name: every[name] for name in fields}
    schema: Schema = {**request, "properties": properties, "required": needed}
    if not needed:
        del schema["required"]
    return _bodied(row, schema, needed)


def _bodied(row: RouteRow, schema: Schema, needed: list[str]) -> Schema:
    content = {_media_type(row): {"schema": schema}}
    return {"required": bool(needed), "content": content}


_BINARY: Schema = {"type": "string", "format": "binary"}


def _as_part(schema: Schema) -> Schema:
    """A field as a part of a form: bytes are themselves there, not Base64."""
    return _BINARY if "contentEncoding" in schema else schema


def _media_type(row: RouteRow) -> str:
    if row.form:
        return "multipart/form-data"
    return "application/x-ndjson" if row.lines else "application/json"


def _responses(row: RouteRow) -> Schema:
    answers: Schema = {}
    if row.result is Empty:
        answers[str(row.status)] = {"description": "Done."}
    elif row.result is FileBytes:
        for status, part in (("200", "The whole file."), ("206", "The range of it.")):
            content = {"*/*": {"schema": _BINARY}}
            answers[status] = {"description": part, "content": content}
        answers["416"] = {"description": "The file has no such range."}
    else:
        schema = {"$ref": f"{_SCHEMAS}{row.result.__name__}"}
        answers[str(row.status)] = {
            "description": summary(row.result),
            "content": {_media_type(row): {"schema": schema}},
        }
    for status in sorted(_READ if row.method == "GET" else _WRITE):
        answers[status] = {"$ref": f"#/components/responses/Problem{status}"}
    answers["default"] = {"$ref": "#/components/responses/Problem"}
    return answers


def _problems() -> Schema:
    """One response for each status that a refusal can have, naming its codes."""
    codes: dict[int, list[str]] = defaultdict(list)
    for row in ERRORS.values():
        codes[row.status].append(f"- `{row.code}`: {row.text}")
    schema = {"$ref": f"{_SCHEMAS}{Problem.__name__}"}
    content = {"application/problem+json": {"schema": schema}}
    made: Schema = {
        "Problem": {"description": "Any other problem.", "content": content}
    }
    for status, lines in sorted(codes.items()):
        response: Schema = {"description": "\n".join(lines), "content": content}
        if status in (429, 503):
            again = {"$ref": "#/components/headers/RetryAfter"}
            response["headers"] = {"Retry-After": again}
        made[f"Problem{status}"] = response
    return made


def _open_operation(route: OpenRoute) -> Schema:
    return {
        "operationId": route.name,
        "tags": ["server"],
        "summary": route.summary,
        "security": [],
        "responses": {
            "200": {
                "description": route.summary,
                "content": {"application/json": {"schema": {"type": "object"}}},
            },
            "default": {"$ref": "#/components/responses/Problem"},
        },
    }
