"""AsyncAPI 3 of the hub: one channel, every method as an operation with a reply.

The document is written from the server's side, as AsyncAPI 3 asks: it *receives* calls
and *sends* events. `x-signalr` on a message says which hub message carries it.
"""

from chatd_protocol.chat import events
from chatd_protocol.chat.methods import METHODS, MethodRow
from chatd_protocol.export.schemas import Schema, schemas, summary

_DESCRIPTION = """\
The chat hub of chatd: a SignalR hub, so any SignalR client speaks it.

**Connecting.** `POST /hub/negotiate?negotiateVersion=1`, then WebSockets, Server-Sent
Events or Long Polling at `/hub`; or a WebSocket at once, without negotiation. The
first message chooses the hub protocol: `{"protocol":"json","version":1}` or
`messagepack`. The bearer token is the `Authorization` header, or the query's
`access_token` where a browser can set no header.

**The binding.** A call is a SignalR Invocation (StreamInvocation for a stream) with the
method's name as its target, in any case, and one argument: the request. Its answer is
the Completion of the same invocation id: `result` holds the one result object, or
`error` the text of a refusal. An event is an Invocation by the server without an id;
its target is the event's type in PascalCase, its one argument the event. `x-signalr`
on each message here repeats this.

**Refusals.** `error` is `code: sentence`, followed, when there are facts, by a newline
and one JSON object. The codes are `ErrorCode`. Any other text is SignalR's own.

**One target.** A client that connects with `?events=single` gets every event on the
target `Event`."""


def asyncapi() -> Schema:
    """The document, ready to be served as `/v1/asyncapi.json`."""
    messages: dict[str, object] = {"refusal": _refusal()}
    operations: dict[str, object] = {}
    for row in METHODS:
        messages[f"{row.name}.request"] = _request(row)
        messages[f"{row.name}.result"] = _result(row)
        operations[row.name] = _call(row)
    for event in events.Event.__args__:
        kind = str(event.__struct_config__.tag)
        target = events.target_of(kind)
        messages[f"{target}.event"] = _event(event, kind)
        operations[f"on.{target}"] = _announcement(target, kind)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "chatd: the hub",
            "version": "1",
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"gateway": _server()},
        "channels": {"hub": _channel(list(messages))},
        "operations": operations,
        "components": {
            "messages": messages,
            "schemas": _without_mappings(
                schemas("#/components/schemas/{}".format, http=False)
            ),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "A JWT with `sub`, `tenant` and `exp`.",
                }
            },
        },
    }


def _server() -> Schema:
    return {
        "host": "localhost:8080",
        "protocol": "wss",
        "description": "Any gateway of the installation; `ws` without TLS in front.",
        "security": [{"$ref": "#/components/securitySchemes/bearer"}],
    }


def _channel(messages: list[str]) -> Schema:
    text: Schema = {"type": "string"}
    query: Schema = {
        "type": "object",
        "properties": {
            "id": {**text, "description": "The connection token of negotiate."},
            "access_token": {**text, "description": "The bearer token, if no header."},
            "events": {"const": "single", "description": "All events on one target."},
        },
    }
    return {
        "address": "/hub",
        "title": "The chat hub",
        "description": "One SignalR connection carries every call and every event.",
        "messages": {
            name: {"$ref": f"#/components/messages/{name}"} for name in messages
        },
        "bindings": {
            "ws": {"method": "GET", "query": query, "bindingVersion": "0.1.0"}
        },
    }


def _in_channel(message: str) -> Schema:
    return {"$ref": f"#/channels/hub/messages/{message}"}


def _call(row: MethodRow) -> Schema:
    answers = [_in_channel(f"{row.name}.result"), _in_channel("refusal")]
    return {
        "action": "receive",
        "channel": {"$ref": "#/channels/hub"},
        "summary": summary(row.request),
        "messages": [_in_channel(f"{row.name}.request")],
        "reply": {"channel": {"$ref": "#/channels/hub"}, "messages": answers},
    }


def _announcement(target: str, kind: str) -> Schema:
    return {
        "action": "send",
        "channel": {"$ref": "#/channels/hub"},
        "summary": f"`{kind}` to every client that it concerns.",
        "messages": [_in_channel(f"{target}.event")],
    }


def _request(row: MethodRow) -> Schema:
    kind = "StreamInvocation" if row.streaming else "Invocation"
    return {
        "name": f"{row.name}.request",
        "title": f"Call of {row.name}",
        "payload": _schema(row.request),
        "x-signalr": {"message": kind, "target": row.name, "argument": 0},
    }


def _result(row: MethodRow) -> Schema:
    part = "an item" if row.streaming else "the answer"
    kind = "StreamItem" if row.streaming else "Completion"
    field = "item" if row.streaming else "result"
    return {
        "name": f"{row.name}.result",
        "title": f"{part.capitalize()} of {row.name}",
        "payload": _schema(row.result),
        "x-signalr": {"message": kind, "field": field},
    }


def _refusal() -> Schema:
    return {
        "name": "refusal",
        "title": "A refused call",
        "summary": "`code: sentence`, and a line of JSON when there are facts.",
        "payload": {"type": "string"},
        "x-signalr": {"message": "Completion", "field": "error"},
    }


def _event(event: type, kind: str) -> Schema:
    target = events.target_of(kind)
    return {
        "name": f"{target}.event",
        "title": kind,
        "summary": summary(event),
        "payload": _schema(event),
        "x-signalr": {"message": "Invocation", "target": target, "argument": 0},
    }


def _schema(struct: type) -> Schema:
    return {"$ref": f"#/components/schemas/{struct.__name__}"}


def _without_mappings(found: dict[str, Schema]) -> dict[str, Schema]:
    """AsyncAPI's discriminator is a name without a mapping: the constants suffice."""
    return {
        name: {key: value for key, value in schema.items() if key != "discriminator"}
        for name, schema in found.items()
    }
