"""If these fail, a removal leaves the wrong trace, or leaves copies behind."""

import pytest

from chatd.actions.content.removing import removal
from chatd.domain.policy import Policy
from chatd.domain.presets import PRESETS
from chatd.store import messages
from chatd.store.messages import RemoveMessage
from chatd.store.removing.copies import RemoveCopies
from tests.actions.deeds import send, start, who
from tests.support.house import TENANT, House


@pytest.mark.parametrize(
    ("policy", "remover", "actor", "notice", "by"),
    [
        ("itslearning", "anna", True, "removed_by_staff", "anna"),  # ITS-76
        ("itslearning", "sue", True, "removed", None),  # ITS-81
        ("itslearning", "team", False, "removed", None),
        ("tutoring", "anna", True, "removed", None),
        ("moodle", "anna", True, "removed_without_trace", None),
    ],
)
async def test_what_is_left_in_its_place(
    school: House, policy: str, remover: str, actor: bool, notice: str, by: str | None
) -> None:
    """Readers would see the wrong name, or a name where there is to be none."""
    rules: Policy = PRESETS[policy]
    group = await start(school, "anna", "sue", "tom")
    sent = await send(school, "sue", group.id)
    record = await school.context.store.read(messages.by_id, TENANT, sent.id)
    assert record is not None
    writes = await removal(school.context, who(remover), record, rules, actor=actor)
    (last,) = [one for one in writes if isinstance(one, RemoveMessage)]
    assert (last.notice, last.by) == (notice, by)
    assert last.actor_id == (remover if actor else None)
    copies = any(isinstance(one, RemoveCopies) for one in writes)
    assert copies is (remover != "sue"), "one's own removal leaves others their copies"
