"""What a collector is sent, by OpenTelemetry's own exporter."""

import asyncio

from opentelemetry.proto.trace.v1.trace_pb2 import Status

from chatd.telemetry.exporting import LEFT_S, Otlp
from chatd.telemetry.spans import Origin, Span
from tests.support.collector import collecting

TRACE, SECOND_NS = 0x0AF7651916CD43DD8448EB211C80319C, 1_000_000_000


async def test_spans_arrive_whole() -> None:
    """A collector would show nothing, or parts that do not fit together."""
    top = Span(
        "hub.SendMessage",
        Origin(TRACE, 0xB7),
        None,
        SECOND_NS,
        3 * SECOND_NS,
        failed=True,
        labels={"connection": "c1"},
    )
    commit = Span("store.commit", Origin(TRACE, 0xB8), 0xB7, SECOND_NS, 2 * SECOND_NS)
    async with collecting() as collector:
        exporter = Otlp(collector.url, {"service.name": "chatd"})
        exporter.take([top, commit])
        await asyncio.to_thread(exporter.close)
    assert collector.services == {"chatd"}
    first, second = collector.spans
    assert first.trace_id == second.trace_id == TRACE.to_bytes(16)
    assert (first.parent_span_id, second.parent_span_id) == (b"", first.span_id)
    assert (first.name, first.start_time_unix_nano) == ("hub.SendMessage", SECOND_NS)
    assert first.end_time_unix_nano == 3 * SECOND_NS
    assert first.status.code == Status.STATUS_CODE_ERROR
    assert [one.key for one in first.attributes] == ["connection"]


async def test_a_collector_that_is_away_costs_nobody_anything() -> None:
    """A server would not end, or hold all spans of its life."""
    exporter = Otlp("http://127.0.0.1:9/v1/traces", {})
    for number in range(10_000):
        exporter.take([Span("call", Origin(TRACE, number + 1), None, 1, 2)])
    async with asyncio.timeout(2 * LEFT_S + 5):
        await asyncio.to_thread(exporter.close)
