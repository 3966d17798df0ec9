"""Spans on their way to a collector, over OTLP. Needs the extra `otel`.

OpenTelemetry's own batching and sending: bounded, in a thread of its own, lossy when
the collector is away, which then costs nobody anything.
"""

from collections.abc import Mapping, Sequence
from threading import Timer
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from chatd.telemetry.spans import Span

LEFT_S: Final = 2.0
"""At the end of a server, whose grace is used up by what counts."""

SCOPE: Final = InstrumentationScope("chatd")


class Otlp:
    """Sends spans to `url`, such as `http://collector:4318/v1/traces`."""

    def __init__(self, url: str, about: Mapping[str, str]) -> None:
        """`about` describes the process, in OpenTelemetry's resource attributes."""
        self._resource = Resource(dict(about))
        self._exporter = OTLPSpanExporter(endpoint=url)
        self._processor = BatchSpanProcessor(self._exporter)

    def take(self, spans: Sequence[Span]) -> None:
        """Have them sent. Never waits."""
        for span in spans:
            self._processor.on_end(self._readable(span))

    def close(self) -> None:
        """Send what is left, if the collector takes it within `LEFT_S`."""
        # A collector that is away would be tried for half a minute.
        enough = Timer(LEFT_S, self._exporter.shutdown)
        enough.start()
        self._processor.shutdown()  # type: ignore[no-untyped-call]
        enough.cancel()

    def _readable(self, span: Span) -> ReadableSpan:
        trace = span.origin.trace
        parent = None if span.parent is None else _context(trace, span.parent)
        return ReadableSpan(
            name=span.name,
            context=_context(trace, span.origin.span),
            parent=parent,
            resource=self._resource,
            attributes={name: str(value) for name, value in span.labels.items()},
            kind=SpanKind.SERVER if span.labels else SpanKind.INTERNAL,
            status=Status(StatusCode.ERROR if span.failed else StatusCode.UNSET),
            start_time=span.began_ns,
            end_time=span.ended_ns,
            instrumentation_scope=SCOPE,
        )


def _context(trace: int, span: int) -> SpanContext:
    sampled = TraceFlags(TraceFlags.SAMPLED)
    return SpanContext(trace, span, is_remote=False, trace_flags=sampled)
