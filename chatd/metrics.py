"""What an operator can watch: every metric of a process, declared once, with its help.

Others import the objects and count. No label is ever an id, a name or a text of
somebody's: each has a few known values, so a metric costs the same on a full server.
Times are seconds and sizes are bytes. `exposition` is what a Prometheus server reads.

Each worker process has series of its own, on a port of its own (`--metrics-port` and
the next ones), by which Prometheus' `instance` tells them apart: the client library's
shared-file mode would make gauges and restarts ambiguous and every count twice as dear.
"""

from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    generate_latest,
)

REGISTRY: Final = CollectorRegistry(auto_describe=True)
"""Our own: a library that registers something globally must not publish it here."""

MEDIA_TYPE: Final = CONTENT_TYPE_LATEST

QUICK_S: Final = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
"""From a commit on a fast disk to the longest that anybody would wait."""

LIFE_S: Final = (0.01, 0.1, 1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 1800.0, 7200.0)
"""0.01 to 300 s as in OpenTelemetry's SignalR conventions, then lessons and days."""

BATCH: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)

# ------------------------------------------------------------------ the process

BUILD = Info(
    "chatd_build",
    "Version of chatd, its source commit and the newest schema that it knows.",
    registry=REGISTRY,
)
DRAIN_STATE = Gauge(
    "chatd_drain_state",
    "0 while serving, 1 while draining: unready, clients are sent elsewhere.",
    registry=REGISTRY,
)
READY = Gauge(
    "chatd_ready",
    "What each check of /readyz said last, 1 for yes; asked anew by every scrape.",
    ["check"],
    registry=REGISTRY,
)
EVENT_LOOP_LAG = Histogram(
    "chatd_event_loop_lag_seconds",
    "How late the event loop runs a timer: everything else is at least as late.",
    buckets=QUICK_S,
    registry=REGISTRY,
)
INVARIANT_VIOLATIONS = Counter(
    "chatd_invariant_violations_total",
    "Things that cannot happen and did, by rule. Not 0: a bug; tell the makers.",
    ["rule"],
    registry=REGISTRY,
)

# -------------------------------------------------------------------- the doors

CONNECTIONS = Gauge(
    "chatd_connections",
    "Hub connections, by state: negotiated, handshake, connecting, open or ended.",
    ["state"],
    registry=REGISTRY,
)
CONNECTION_SECONDS = Histogram(
    "chatd_connection_seconds",
    "How long connections lived, by transport and by how they ended:"
    " normal_closure, timeout or app_shutdown.",
    ["transport", "status"],
    buckets=LIFE_S,
    registry=REGISTRY,
)
HANDSHAKES = Counter(
    "chatd_handshakes_total",
    "Openings of connections by result: accepted, or why not.",
    ["result"],
    registry=REGISTRY,
)
CLOSES = Counter(
    "chatd_close_total",
    "Ends of connections by WebSocket close code (none elsewhere) and reason.",
    ["code", "reason"],
    registry=REGISTRY,
)
SLOW_CONSUMER_CLOSES = Counter(
    "chatd_slow_consumer_closes_total",
    "Connections given up because the client read too slowly.",
    registry=REGISTRY,
)
OPENINGS_WAITING = Gauge(
    "chatd_openings_waiting",
    "Clients in line to open a connection or to catch up: a storm, if it stays.",
    registry=REGISTRY,
)
OUTBOUND_QUEUE_BYTES = Gauge(
    "chatd_outbound_queue_bytes",
    "Bytes that wait for slow clients, all connections together.",
    registry=REGISTRY,
)
CALL_SECONDS = Histogram(
    "chatd_call_seconds",
    "From a call's turn to its answer, by door (hub, http) and method or route.",
    ["door", "method"],
    buckets=QUICK_S,
    registry=REGISTRY,
)
REPLY_ERRORS = Counter(
    "chatd_reply_errors_total",
    "Calls that were answered with an error, by door and error code.",
    ["door", "code"],
    registry=REGISTRY,
)
AUTH_FAILURES = Counter(
    "chatd_auth_failures_total",
    "Refused tokens by reason.",
    ["reason"],
    registry=REGISTRY,
)
JWKS_FETCHES = Counter(
    "chatd_jwks_fetch_total",
    "Fetches of issuers' key sets by result: ok or failed.",
    ["result"],
    registry=REGISTRY,
)
ATTACHMENTS_REJECTED = Counter(
    "chatd_attachments_rejected_total",
    "Uploads that were refused, by error code.",
    ["reason"],
    registry=REGISTRY,
)
RATE_LIMITED = Counter(
    "chatd_rate_limited_total",
    "Calls and connections that were one too many, by rule.",
    ["rule"],
    registry=REGISTRY,
)

# -------------------------------------------------------------------- the store

SEND_ACK_SECONDS = Histogram(
    "chatd_send_ack_seconds",
    "From a SendMessage's turn to its acknowledgement, commit included.",
    buckets=QUICK_S,
    registry=REGISTRY,
)
COMMIT_SECONDS = Histogram(
    "chatd_commit_seconds",
    "One group commit, from its begin until it is on disk.",
    buckets=QUICK_S,
    registry=REGISTRY,
)
COMMIT_CHANGES = Histogram(
    "chatd_commit_changes",
    "How many Changes shared one group commit.",
    buckets=BATCH,
    registry=REGISTRY,
)
COMMIT_FAILURES = Counter(
    "chatd_commit_failures_total",
    "Group commits that failed as a whole, by the code that callers were answered.",
    ["code"],
    registry=REGISTRY,
)
IDEMPOTENT_REPLAYS = Counter(
    "chatd_idempotent_replays_total",
    "Requests that had been carried out before and got the stored answer.",
    registry=REGISTRY,
)
DB_POOL_IN_USE = Gauge(
    "chatd_db_pool_in_use",
    "Database connections that work right now.",
    registry=REGISTRY,
)
DB_POOL_WAIT_SECONDS = Histogram(
    "chatd_db_pool_wait_seconds",
    "How long a read or a commit waited for a database connection.",
    buckets=QUICK_S,
    registry=REGISTRY,
)

PURGE_PENDING = Gauge(
    "chatd_purge_pending",
    "Edits and removals whose old bytes may still be in the database's log.",
    registry=REGISTRY,
)
PURGE_LAG_SECONDS = Histogram(
    "chatd_purge_lag_seconds",
    "From an edit or a removal until no file of the database has the old bytes.",
    buckets=LIFE_S,
    registry=REGISTRY,
)
RETENTION_LAG_SECONDS = Gauge(
    "chatd_retention_lag_seconds",
    "Since this process last saw to it that nothing is kept beyond its days.",
    registry=REGISTRY,
)

# ------------------------------------------------------------------ the fan-out

FANOUT_SECONDS = Histogram(
    "chatd_fanout_seconds",
    "From a commit's announcement to the last write to a socket of this process.",
    buckets=QUICK_S,
    registry=REGISTRY,
)
DELIVERIES = Counter(
    "chatd_deliveries_total",
    "Events handed to connections.",
    registry=REGISTRY,
)
GAP_FILLS = Counter(
    "chatd_gap_fills_total",
    "Events read from the log because no announcement brought them, by cause:"
    " bus_gap, resume or head_check. head_check counts silent losses.",
    ["cause"],
    registry=REGISTRY,
)
RESUMES = Counter(
    "chatd_resume_total",
    "Conversations that returning clients asked to have repaired; recovered is false"
    " when they were too far behind and had to load anew.",
    ["recovered"],
    registry=REGISTRY,
)
BUS_LAG_SECONDS = Histogram(
    "chatd_bus_lag_seconds",
    "From publishing to receiving over the bus, measured by its own probe.",
    buckets=QUICK_S,
    registry=REGISTRY,
)
BUS_RECONNECTS = Counter(
    "chatd_bus_reconnects_total",
    "Connections to the bus that were made anew, for whatever cause.",
    registry=REGISTRY,
)
BUS_DROPPED = Counter(
    "chatd_bus_dropped_total",
    "Announcements not sent or not taken, by reason: a full queue, a deadline, or"
    " an envelope that is not what it should be.",
    ["reason"],
    registry=REGISTRY,
)

ProcessCollector(registry=REGISTRY)


def violated(rule: str) -> None:
    """Count something that cannot happen and did; `rule` is a constant of the code."""
    INVARIANT_VIOLATIONS.labels(rule).inc()


def exposition() -> bytes:
    """All metrics in Prometheus' text format, of the type `MEDIA_TYPE`."""
    return generate_latest(REGISTRY)
