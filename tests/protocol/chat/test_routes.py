"""If these fail, the HTTP API and its published description are not one thing."""

import re

import msgspec
import pytest

from chatd_protocol.chat.http.rows import RouteRow
from chatd_protocol.chat.routes import OPEN_ROUTES, ROUTES


def test_names_and_places_are_unique() -> None:
    """Two routes would answer the same request, or share an operation id."""
    names = [row.name for row in ROUTES] + [row.name for row in OPEN_ROUTES]
    assert len(names) == len(set(names))
    places = [(row.method, re.sub(r"{\w+}", "{}", row.path)) for row in ROUTES]
    assert len(places) == len(set(places))


@pytest.mark.parametrize("row", ROUTES, ids=lambda row: row.name)
def test_every_name_in_a_path_is_a_required_field(row: RouteRow) -> None:
    """A part of the path would go nowhere, or a field would have no source."""
    fields = {f.encode_name: f for f in msgspec.structs.fields(row.request)}
    in_path = re.findall(r"{(\w+)}", row.path)
    assert all(fields[name].required for name in in_path)
    # A form can do without; it is an upload that nobody tries again.
    assert row.key is None or row.form or fields[row.key].required
    assert set(row.places()) == set(fields)
    assert row.path.startswith("/v1/")
