"""What tests of contact data say, and how they set the rule for it."""

from chatd.actions.directory import policies
from chatd_protocol.chat.policy import PutPolicy
from tests.support.house import TENANT, House

PHONE = "call me: 0171 2345678"
MASKED = "call me: •••"


async def rule(school: House, treatment: str, *, flag: bool = False) -> None:
    """What becomes of contact data from now on."""
    pii = {"phone": treatment, "social": treatment, "flag": flag}
    request = PutPolicy(tenant_id=TENANT, policy={"pii": pii})
    await policies.put(school.context, school.platform, request)
