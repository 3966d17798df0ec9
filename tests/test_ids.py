"""Server-made ids."""

import re

from chatd.ids import new_id


def test_ids_are_uuid7_and_sort_by_time() -> None:
    """Indexes would scatter, and ids could be mistaken for another kind."""
    ids = [new_id() for _ in range(1_000)]
    assert len(set(ids)) == len(ids)
    assert [text[:13] for text in ids] == sorted(text[:13] for text in ids)
    pattern = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    assert all(re.fullmatch(pattern, text) for text in ids)
