"""If these fail, somebody who was away knows something else than who was there.

ITS-124, ITS-126, MOO-71: what happens is seen without loading anything again.

Old snapshot plus events is the new snapshot: for every deed and every viewer, told live
by the real hub and by `Sync`.
"""

import pytest

from tests.actions.knowing import watching
from tests.actions.reported_life import REPORTING
from tests.actions.school_life import DEEDS, VIEWERS, begin
from tests.support.house import House


@pytest.mark.parametrize("name", [*DEEDS, *REPORTING])
async def test_old_snapshot_and_events_are_the_new_snapshot(
    school: House, name: str
) -> None:
    """Clients that were connected would show something else than those that reload."""
    life = await begin(school)
    async with watching(school, VIEWERS) as clients:
        await {**DEEDS, **REPORTING}[name](life)
        await clients.catch_up()
        await clients.compare()
