"""What the audit trail of the school tells, in brief."""

from chatd.store.keeping import trail
from chatd.store.keeping.trail import Filter
from tests.actions.deeds import who
from tests.support.house import TENANT, House

LEAD = who("lead", TENANT, "safeguarding")
ADMIN = who("lms", TENANT, "admin")


async def noted(school: House, *deeds: str) -> list[tuple[str, str, str]]:
    """(who, what, about whom or what) of these deeds, the earliest first."""
    found = await school.context.store.read(trail.page, TENANT, Filter(), 2**53, 99)
    return [
        (one.actor_id, one.deed, one.about_id)
        for one in found[::-1]
        if not deeds or one.deed in deeds
    ]
