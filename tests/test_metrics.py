"""If these fail, an operator watches the wrong thing, or everybody's ids leak out."""

import ast
from pathlib import Path

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.exceptions import InvalidStatus

from chatd import metrics
from tests.hub.peers import House, open_house
from tests.support.counted import value
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[1]

# reference: the minimum that a gateway of this kind has to show; those of what this
# version does not have (webhooks) come with their features.
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
    "chatd_attachments_rejected",
    "chatd_rate_limited",
    "chatd_auth_failures",
    "chatd_jwks_fetch",
    "chatd_drain_state",
    "chatd_purge_pending",
    "chatd_purge_lag_seconds",
    "chatd_retention_lag_seconds",
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
    total = "chatd_invariant_violations_total"
    (sample,) = (
        sample
        for sample in families["chatd_invariant_violations"].samples
        if sample.name == total and sample.labels == {"rule": "test"}
    )
    assert sample.value >= 1
    assert "process_resident_memory_bytes" in families


# Those that one quiet afternoon does not move, each with the tests that do.
MOVED_ELSEWHERE = {
    "chatd_attachments_rejected": "tests/api/test_attachments.py",
    "chatd_commit_failures": "tests/store/engine/test_writer.py",
    "chatd_db_pool_in_use": "tests/store/engine/test_interface.py",
    "chatd_drain_state": "tests/operating/test_health.py",
    "chatd_event_loop_lag_seconds": "tests/operating/test_health.py",
    "chatd_invariant_violations": "tests/hub/test_fanout.py",
    "chatd_jwks_fetch": "tests/identity/test_jwks.py",
    "chatd_purge_lag_seconds": "tests/store/engine/test_scrubbing.py",
    "chatd_purge_pending": "tests/store/engine/test_scrubbing.py",
    "chatd_retention_lag_seconds": "tests/actions/keeping/test_purging.py",
    "chatd_slow_consumer_closes": "tests/hub/test_counting.py",
}

OF_THE_BUS = {"chatd_bus_lag_seconds", "chatd_bus_reconnects", "chatd_bus_dropped"}
"""They move when processes talk to each other: tests/bus."""


def moving() -> dict[str, dict[tuple[str, ...], float]]:
    """Every family's samples, but for the times at which they began."""
    return {
        family.name: {
            (sample.name, *sorted(map(str, sample.labels.items()))): sample.value
            for sample in family.samples
            if not sample.name.endswith("_created")
        }
        for family in metrics.REGISTRY.collect()
        if family.name.startswith("chatd_")
    }


async def afternoon(school: House) -> None:
    """What happens at any school: some write, one is late, one forgot to sign in."""
    limited = value("chatd_rate_limited_total", rule="send")
    closed = value("chatd_close_total", code="1000", reason="good")
    await school.group("physics", "anna", "ben")
    anna, ben = await school.join("anna"), await school.join("ben")
    with pytest.raises(InvalidStatus):
        await school.join("anna", exp=1)
    for number in range(3):
        said = {"conversationId": "physics", "clientMessageId": str(number)}
        await anna.call("SendMessage", **said, text="hello")
    await anna.call("SendMessage", **said, text="hello")
    await ben.event("message.created", 3)
    missed = await ben.call("Sync", cursors={"physics": 1})
    assert len(missed["conversations"][0]["events"]) == 3
    refused = await ben.refusal("GetConversation", {"conversationId": "no such"})
    assert refused.code == "not_found"
    for number in range(9):
        said = {"conversationId": "physics", "clientMessageId": f"more {number}"}
        await anna.start(1, "SendMessage", said | {"text": "and more"})
    await wait_until(lambda: value("chatd_rate_limited_total", rule="send") > limited)
    async with httpx2.AsyncClient(base_url=school.url) as http:
        assert (await http.get("/metrics")).status_code == 200
    await anna.leave()
    good = {"code": "1000", "reason": "good"}
    await wait_until(lambda: value("chatd_close_total", **good) > closed)


async def test_every_metric_moves(tmp_path: Path) -> None:
    """A dashboard would be flat whatever happened, and nobody would know (6.2)."""
    before = moving()
    async with open_house(tmp_path, {"sendsPerSecond": 1, "sendsBurst": 5}) as school:
        await afternoon(school)
        after = moving()
    still = {name for name, samples in after.items() if samples == before[name]}
    # What other tests moved to the same place already has been seen to move as well.
    gauges = {"chatd_build", "chatd_ready", "chatd_outbound_queue_bytes"}
    gauges.add("chatd_openings_waiting")
    assert still - gauges <= MOVED_ELSEWHERE.keys() | OF_THE_BUS
    for name, path in MOVED_ELSEWHERE.items():
        assert name in (ROOT / path).read_text("utf-8"), (name, path)


def test_every_metric_is_counted_somewhere() -> None:
    """A metric would be declared, described, and forgotten."""
    declared = {
        name
        for name, metric in vars(metrics).items()
        if name.isupper() and hasattr(metric, "_documentation")
    }
    used = {
        node.attr
        for path in (ROOT / "chatd").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "metrics"
    }
    assert declared - used == {"INVARIANT_VIOLATIONS"}
