"""Who may read what others wrote to each other without being one of them."""

from typing import Final

from chatd.domain.people import PersonRecord
from chatd.domain.policy import Policy, Verdict, allow, refuse

READER: Final = "readallmessages"
"""The privilege of MOO-81, under the name that the platform has for it."""


def may_read(policy: Policy, reader: PersonRecord) -> Verdict:
    """Whether this person may open the conversations of another one (MOO-81).

    Only where the policy has staff read by a capability, and to who has it. Where it is
    `only_reported`, a report opens what it is about, and nothing else is opened.
    """
    if policy.staff_read != "capability":
        return refuse("forbidden", "staffRead")
    if not reader.active or READER not in reader.details.privileges:
        return refuse("forbidden", "staffRead")
    return allow("staffRead")
