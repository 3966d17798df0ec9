"""If these fail, the API does not do what its published description says.

Every operation is asked with values made from the document; no answer may be an error
of ours, or of a status, a type or a shape that the document does not name.
"""

import asyncio
import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from chatd.limits import Limits
from chatd_protocol.chat.routes import ROUTES
from tests.api.conftest import Api, asking

EXAMPLES = 6
DOCUMENT = json.loads(
    files("chatd_protocol").joinpath("schema", "openapi.json").read_bytes()
)
BY_LINES = {row.name for row in ROUTES if row.lines}
OPERATIONS = [
    found.ok()
    for found in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()
    if isinstance(found, Ok)
    # Lines instead of one body: tests/api/test_bulk.py.
    and found.ok().definition.raw["operationId"] not in BY_LINES
]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
PERSONAL = {row.name for row in ROUTES if row.scope is None}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[asyncio.Runner, Api]]:
    """Hypothesis is not asynchronous: the loop runs for one request at a time."""
    with asyncio.Runner() as runner:
        around = asking(tmp_path, Limits(reads_burst=10_000, sends_burst=10_000))
        api = runner.run(around.__aenter__())
        runner.run(api.house.people("anna", "ben"))
        yield runner, api
        runner.run(around.__aexit__(None, None, None))


@pytest.mark.parametrize(
    "operation", OPERATIONS, ids=lambda one: one.definition.raw["operationId"]
)
def test_every_operation(
    operation: schemathesis.schemas.APIOperation,
    running: tuple[asyncio.Runner, Api],
) -> None:
    """Somebody who relies on the document would be surprised."""
    runner, api = running
    is_personal = operation.definition.raw["operationId"] in PERSONAL
    caller = ("anna",) if is_personal else ("lms", "directory", "admin")

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy())
    def ask(case: schemathesis.Case) -> None:
        wanted = case.as_transport_kwargs(base_url="http://chat.example")
        wanted["headers"] = {**wanted.get("headers", {}), **api.headers(*caller)}
        kept = ("method", "url", "headers", "params", "json")
        request = {name: wanted[name] for name in kept if wanted.get(name) is not None}
        answer = runner.run(api.http.request(**request))
        case.validate_response(answer, checks=CHECKS)

    ask()
