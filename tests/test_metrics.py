"""If these fail, an operator watches the wrong thing, or everybody's ids leak out."""

from prometheus_client.parser import text_string_to_metric_families

from chatd import metrics

# reference: the minimum that a gateway of this kind has to show; those of what this
# version does not have (attachments, webhooks, purge) come with their features.
WANTED = {
    "chatd_connections",
    "chatd_handshakes",
    "chatd_close",
    "chatd_send_ack_seconds",
    "chatd_commit_seconds",
    "chatd_fanout_seconds",
    "chatd_bus_lag_seconds",
    "chatd_bus_reconnects",
    "chatd_bus_dropped",
    "chatd_gap_fills",
    "chatd_resume",
    "chatd_outbound_queue_bytes",
    "chatd_slow_consumer_closes",
    "chatd_idempotent_replays",
    "chatd_db_pool_in_use",
    "chatd_db_pool_wait_seconds",
    "chatd_event_loop_lag_seconds",
    "chatd_rate_limited",
    "chatd_auth_failures",
    "chatd_jwks_fetch",
    "chatd_drain_state",
    "chatd_build",
    "chatd_invariant_violations",
}

LABELS = {
    *(
        "cause",
        "check",
        "code",
        "door",
        "method",
        "reason",
        "recovered",
        "result",
        "rule",
    ),
    *("state", "status", "transport"),
}


def test_everything_worth_watching_is_declared_with_help() -> None:
    """A dashboard would have holes, or numbers that nobody can interpret."""
    families = {family.name: family for family in metrics.REGISTRY.collect()}
    assert WANTED - families.keys() == set()
    assert [name for name, family in families.items() if not family.documentation] == []


def test_labels_have_few_known_values() -> None:
    """Series would grow with the number of people, and name them."""
    used = {
        label
        for metric in vars(metrics).values()
        for label in getattr(metric, "_labelnames", ())
    }
    assert used == LABELS


def test_the_exposition_can_be_read() -> None:
    """Prometheus would get a page that it does not understand."""
    metrics.violated("test")
    text = metrics.exposition().decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    (sample,) = (
        sample
        for sample in families["chatd_invariant_violations"].samples
        if sample.name.endswith("_total")
    )
    assert sample.labels == {"rule": "test"}
    assert sample.value >= 1
    assert "process_resident_memory_bytes" in families
