"""A collector of spans on this machine: OTLP over HTTP, as protobuf."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn import Config, Server

from tests.support.waiting import wait_until


@dataclass
class Collector:
    """What it was sent, and by which services."""

    spans: list[Span] = field(default_factory=list)
    services: set[str] = field(default_factory=set)
    url: str = ""

    async def answer(self, http: Request) -> Response:
        body = await http.body()
        if http.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        for one in ExportTraceServiceRequest.FromString(body).resource_spans:
            for attribute in one.resource.attributes:
                if attribute.key == "service.name":
                    self.services.add(attribute.value.string_value)
            for scope in one.scope_spans:
                self.spans += scope.spans
        said = ExportTraceServiceResponse().SerializeToString()
        return Response(said, media_type="application/x-protobuf")


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """A running collector, at `url`."""
    made = Collector()
    application = Starlette(routes=[Route("/v1/traces", made.answer, methods=["POST"])])
    server = Server(Config(application, port=0, log_config=None, lifespan="off"))
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve())
        await wait_until(lambda: server.started, what="a collector")
        port = server.servers[0].sockets[0].getsockname()[1]
        made.url = f"http://127.0.0.1:{port}/v1/traces"
        yield made
        server.should_exit = True
