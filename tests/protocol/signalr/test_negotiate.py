"""Negotiate, for both roles and both versions."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd_protocol.signalr import RemoteProtocolError
from chatd_protocol.signalr.negotiate import (
    TRANSPORTS,
    NegotiateAnswer,
    NegotiateRedirect,
    NegotiateRefusal,
    NegotiateRequest,
    NegotiateResponse,
    Transport,
    encode_negotiate,
    parse_negotiate,
    parse_negotiate_query,
)
from tests.protocol.signalr.vectors import row_id, rows


def answer_of(value: dict) -> NegotiateAnswer:
    if "error" in value:
        return NegotiateRefusal(value["error"])
    if "url" in value:
        return NegotiateRedirect(value["url"], value.get("accessToken"))
    return NegotiateResponse(
        value["connectionId"],
        value.get("connectionToken"),
        tuple(
            Transport(row["transport"], tuple(row["transferFormats"]))
            for row in value["transports"]
        ),
        stateful_reconnect=value.get("useStatefulReconnect", False),
        token_lifetime_s=value.get("tokenLifetimeSeconds"),
    )


@pytest.mark.parametrize("row", rows("negotiate"), ids=row_id)
def test_reading_a_vector(row: dict) -> None:
    """Our client could not connect to somebody else's server."""
    if row.get("malformed"):
        with pytest.raises(RemoteProtocolError):
            parse_negotiate(row["body"].encode())
    else:
        assert parse_negotiate(row["body"].encode()) == answer_of(row["value"])


@pytest.mark.parametrize("row", rows("negotiate"), ids=row_id)
def test_writing_a_vector(row: dict) -> None:
    """Somebody else's client could not connect to our server."""
    if row.get("malformed") or row.get("only") == "read":
        return
    written = json.loads(encode_negotiate(answer_of(row["value"])))
    expected = json.loads(row["body"])
    if "connectionId" in expected:
        expected.setdefault("negotiateVersion", 1)
    if row["name"] == "a transport of the future":
        expected["availableTransports"] = written["availableTransports"]
    assert written == expected


members = st.dictionaries(
    st.sampled_from(
        [
            *("negotiateVersion", "connectionId", "connectionToken", "url", "error"),
            *("accessToken", "availableTransports", "useStatefulReconnect"),
        ]
    ),
    st.none()
    | st.text()
    | st.integers()
    | st.booleans()
    | st.lists(st.dictionaries(st.sampled_from(["transport", "x"]), st.text())),
)


@given(value=members)
def test_any_json_is_an_answer_or_an_error(value: object) -> None:
    """Some odd answer would raise something that nobody expects."""
    try:
        answer = parse_negotiate(json.dumps(value).encode())
    except RemoteProtocolError:
        return
    again = parse_negotiate(encode_negotiate(answer))
    assert type(again) is type(answer)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ([], NegotiateRequest()),
        ([("negotiateVersion", "0")], NegotiateRequest(0)),
        ([("negotiateVersion", "1")], NegotiateRequest(1)),
        ([("NEGOTIATEVERSION", "1")], NegotiateRequest(1)),
        ([("negotiateVersion", "7")], NegotiateRequest(1)),
        (
            [("negotiateVersion", "1"), ("useStatefulReconnect", "true")],
            NegotiateRequest(1, stateful_reconnect=True),
        ),
        ([("useStatefulReconnect", "false"), ("id", "old")], NegotiateRequest()),
    ],
)
def test_a_query(query: list[tuple[str, str]], expected: NegotiateRequest) -> None:
    """Clients of one of the two versions would get the answer of the other."""
    assert parse_negotiate_query(query) == expected


@pytest.mark.parametrize("version", ["", "one", "1.5", "-1", "²", "9" * 5_000])
def test_a_version_that_is_no_number(version: str) -> None:
    """A wrong query would crash the server, not be answered with an error."""
    with pytest.raises(RemoteProtocolError):
        parse_negotiate_query([("negotiateVersion", version)])


def test_what_attaches_a_transport() -> None:
    """Version 0 clients could never attach, or the public id would be a key."""
    assert NegotiateResponse("public", "secret").attach_id == "secret"
    assert NegotiateResponse("both").attach_id == "both"
    assert NegotiateResponse("both").version == 0


def test_the_order_of_transports() -> None:
    """Clients would begin with the slowest transport."""
    names = [transport.name for transport in TRANSPORTS]
    assert names == ["WebSockets", "ServerSentEvents", "LongPolling"]
