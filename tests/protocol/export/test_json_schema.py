"""If these fail, a value that we send does not fit the schema that we publish."""

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from chatd_protocol.export.json_schema import json_schema
from tests.protocol.chat.values import CONTRACT, canonical, values_of

BUNDLE = json_schema()


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator({**BUNDLE, "$ref": f"#/$defs/{name}"})


def test_it_is_a_schema() -> None:
    """No validator would read the bundle."""
    Draft202012Validator.check_schema(BUNDLE)


@pytest.mark.parametrize("name", CONTRACT)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_random_values_fit(name: str, data: st.DataObject) -> None:
    """A client that validates would refuse a good answer, or send a bad request."""
    value: Any = data.draw(values_of(CONTRACT[name]))
    struct: Any = msgspec.convert(value, CONTRACT[name])
    validator(name).validate(value)
    validator(name).validate(canonical(struct))
    assert msgspec.convert(canonical(struct), CONTRACT[name]) == struct


def test_null_is_absent_in_requests_only() -> None:
    """A client would be told to send or to expect the wrong kind of nothing."""
    send = {"conversationId": "c", "clientMessageId": "m"}
    assert validator("SendMessage").is_valid(send | {"text": None})
    assert not validator("SendMessage").is_valid(send | {"clientMessageId": None})
    assert not validator("SendMessage").is_valid(send | {"extra": 1})
    assert not validator("Preferences").is_valid({"enterSends": None})
