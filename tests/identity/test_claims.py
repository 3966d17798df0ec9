"""If these fail, an identity is mixed up with that of another tenant."""

from chatd.domain.people import Caller
from chatd.identity.claims import Identity


def test_the_same_name_in_two_tenants_is_two_people() -> None:
    """A connection of one tenant would be found under a person of another."""
    anna, other = (
        Identity(Caller(tenant, "anna"), True, 0, 1) for tenant in ("a", "b")
    )
    assert anna.user_id == other.user_id == "anna"
    assert anna.tenant == "a"
    assert anna.key != other.key
