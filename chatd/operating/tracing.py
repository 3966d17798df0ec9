"""Spans go to a collector for as long as a server runs."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from chatd import __version__
from chatd.clock import Clock
from chatd.config import Config, ConfigError
from chatd.telemetry import spans


@contextmanager
def recording(config: Config, clock: Clock) -> Iterator[None]:
    """Record within the block, if there is somewhere to send it to.

    Raises:
        ConfigError: the extra that it takes is not installed.
    """
    if config.otlp_url is None:
        yield
        return
    try:
        # Not for everybody: an extra, which also takes a quarter of a second to import.
        from chatd.telemetry.exporting import Otlp  # noqa: PLC0415
    except ImportError:
        problem = "otlp_url: needs what `pip install chatd[otel]` brings"
        raise ConfigError([problem]) from None
    exporter = Otlp(
        config.otlp_url,
        {
            "service.name": "chatd",
            "service.version": __version__,
            "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
        },
    )
    spans.record(spans.Recorder(clock, exporter.take, config.trace_ratio))
    try:
        yield
    finally:
        spans.record(None)
        exporter.close()
