"""If these fail, two people could have two direct conversations, or none."""

from hypothesis import given
from hypothesis import strategies as st

from chatd.domain.conversations import direct_key

ids = st.text(min_size=1, max_size=20)


@given(ids, ids)
def test_a_pair_has_one_key_whoever_starts(one: str, other: str) -> None:
    """The two would each start a conversation of their own (MOO-31)."""
    assert direct_key(one, other) == direct_key(other, one)


@given(st.sets(ids, min_size=2, max_size=2), st.sets(ids, min_size=2, max_size=2))
def test_two_pairs_never_share_a_key(pair: set[str], others: set[str]) -> None:
    """Strangers would read each other's conversation."""
    keys = direct_key(*sorted(pair)), direct_key(*sorted(others))
    assert (keys[0] == keys[1]) is (pair == others)
