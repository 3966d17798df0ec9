"""If these fail, the documented rules are not those that are applied."""

import re

from chatd.domain.policy import Relation
from chatd.domain.presets import PRESETS
from tests.domain.matrix import BASIS, FILE, document, rights_table


def test_the_documented_rules_are_those_that_hold() -> None:
    """A right changed that nobody meant to change, or nobody told the schools."""
    written = FILE.read_text(encoding="utf-8")
    assert document() == written, "python -m tests.domain.matrix writes docs/policy.md"


def test_every_row_that_allows_names_its_requirement() -> None:
    """A right would have come from nowhere."""
    for policy in PRESETS.values():
        for row in policy.initiate:
            assert row.basis, f"{policy.name}: {row.id}"
            assert all(re.fullmatch(r"(ISP|ITS|TUT|MOO)-\d+", one) for one in row.basis)
        family = BASIS[policy.name.partition("-")[0]]
        silent = {
            action for action, kinds in policy.rights.items() if kinds
        } - family.keys()
        assert silent <= {"rename", "leave"}, policy.name
        assert all(list(rights_table(policy, kind)) for kind in policy.kinds)


def test_every_relation_is_used_or_offered() -> None:
    """A school would be offered a relation that no scene of the document shows."""
    used = {row.relation for policy in PRESETS.values() for row in policy.initiate}
    offered = {
        Relation.IN_MY_HIERARCHY,
        Relation.GUARDIAN_OF,
        Relation.CONTACT,
        Relation.EXISTING_CONVERSATION,
    }
    assert used | offered == set(Relation)
