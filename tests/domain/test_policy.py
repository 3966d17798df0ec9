"""If these fail, a verdict does not say what it means."""

from chatd.domain.policy import allow, refuse


def test_a_verdict_says_why() -> None:
    """A client could not tell its user the reason, nor a developer the rule."""
    assert (allow("r").allowed, allow("r").rule) == (True, "r")
    refused = refuse("no_relationship", "initiate")
    assert (refused.allowed, refused.code) == (False, "no_relationship")
