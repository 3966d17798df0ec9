"""The HTTP API's document."""

import schemathesis

from chatd_protocol.chat.routes import OPEN_ROUTES, ROUTES
from chatd_protocol.export.openapi import openapi
from chatd_protocol.export.schemas import as_object


def test_it_is_openapi() -> None:
    """No tool would read the document."""
    schemathesis.openapi.from_dict(openapi()).validate()


def test_every_route_is_described() -> None:
    """A route would exist that the document does not tell of."""
    paths = as_object(openapi()["paths"])
    for row in ROUTES:
        assert row.method.lower() in as_object(paths[row.path])
    for route in OPEN_ROUTES:
        assert "get" in as_object(paths[route.path])
