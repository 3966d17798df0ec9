"""If these fail, requests are bound by other limits than the contract says."""

import msgspec
import pytest

from chatd_protocol.chat import requests
from chatd_protocol.chat.base import Request
from chatd_protocol.chat.methods import METHODS


@pytest.mark.parametrize("row", METHODS, ids=lambda row: row.name)
def test_unknown_fields_are_refused(row: object) -> None:
    """A client's mistake, or a newer client's wish, would be passed over in silence."""
    request = getattr(row, "request")  # noqa: B009
    assert issubclass(request, Request)
    assert request.__struct_config__.forbid_unknown_fields


@pytest.mark.parametrize(
    ("size", "fits"), [(0, False), (1, True), (300, True), (301, False)]
)
def test_people_named_in_one_request(size: int, fits: bool) -> None:
    """More people could be added at once than the limit of 300 says (ITS-51)."""
    value = {"conversationId": "c", "userIds": ["u"] * size}
    try:
        msgspec.convert(value, requests.AddParticipants)
    except msgspec.ValidationError:
        assert not fits
    else:
        assert fits
