"""Names in Redis."""

from collections import Counter

from chatd.bus.redis.channels import PARTITIONS, Channels, slot_of, tags

CHANNELS = Channels(b"one")


def test_slots_are_those_of_redis() -> None:
    """A Cluster would redirect every command (its specification's test value)."""
    assert slot_of("123456789") == 0x31C3


def test_partitions_are_spread_evenly() -> None:
    """One node of a Cluster would do the work of all."""
    assert [slot_of(tag) // 128 for tag in tags()] == list(range(PARTITIONS))


def test_keys_are_spread_evenly() -> None:
    """A partition would have a multiple of its share of the conversations."""
    many = 20_000
    found = Counter(
        CHANNELS.of("conversation", "school", f"c{number}")[0] for number in range(many)
    )
    assert len(found) == PARTITIONS
    assert max(found.values()) < 2 * many / PARTITIONS


def test_names_are_one_to_one() -> None:
    """One school would hear another's, or unfollowing one thing silence another."""
    names = {
        CHANNELS.of(kind, tenant, id_)[1]
        for kind in ("conversation", "person")
        for tenant, id_ in (("a", "b:c"), ("a:b", "c"), ("a", "b"), ("ä", "b"))
    }
    assert len(names) == 8


def test_a_name_lies_in_the_slot_of_its_partition() -> None:
    """Subscribing many at once would fail: of one slot only, says a Cluster."""
    partition, channel = CHANNELS.of("person", "school", "anna")
    assert f"{{{tags()[partition]}}}".encode() in channel
    assert channel.count(b"{") == 1


def test_deployments_have_names_of_their_own() -> None:
    """Two deployments on one Redis would hear each other."""
    assert CHANNELS.prefix != Channels(b"two").prefix
    assert CHANNELS.prefix == Channels(b"one").prefix
