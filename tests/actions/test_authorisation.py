"""If these fail, somebody may do what the table does not say, or may no longer."""

from pathlib import Path

import pytest

from chatd.api.deeds import DEEDS as BEHIND_ROUTES
from chatd.hub.methods import DEEDS as BEHIND_METHODS
from chatd_protocol.chat.methods import METHODS
from chatd_protocol.chat.routes import ROUTES
from tests.actions.authorisation import (
    ACTIONS,
    PLACES,
    ROLES,
    SAMPLES,
    outcome,
    table,
    targets,
)
from tests.support.house import House

TABLE = Path(__file__).with_name("authorisation.txt")
OF_THE_CONNECTION = {"RefreshToken", "WatchEvents", "WatchPresence"}
"""Decided by a token and by a scope: tests/hub/test_sessions.py, test_watching.py, and
by what one shares with somebody: test_online.py."""


OF_BYTES = {"uploadAttachment", "linkAttachment"}
"""The one is about nobody's thing yet, the other looks as `getAttachment` does: both
in tests/api/test_attachments.py."""

OF_PEOPLE = {"StartConversation", "BlockUser", "getBlock", "UnblockUser"}


def rows_of(name: str) -> list[str]:
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return [line for line in lines[1:] if line.split()[0] == name]


def test_everything_that_can_be_called_is_in_the_table() -> None:
    """A new method could be open to strangers, and nobody would have looked."""
    assert SAMPLES.keys() == ACTIONS.keys()
    assert {row.name for row in METHODS} - OF_THE_CONNECTION == BEHIND_METHODS.keys()
    personal = {row.name for row in ROUTES if row.scope is None}
    unlisted = {
        name for name in personal if BEHIND_ROUTES[name].action not in ACTIONS.values()
    }
    assert unlisted == OF_BYTES
    named = [line.split()[0] for line in TABLE.read_text("utf-8").splitlines()[1:]]
    assert list(dict.fromkeys(named)) == list(SAMPLES)


@pytest.mark.parametrize("name", SAMPLES)
async def test_who_may_do_what(school: House, name: str) -> None:
    """Another answer than the one that was looked at and found right."""
    reach = await targets(school)
    rows = {
        (name, role): {
            place: await outcome(school, name, person, reach[person, place])
            for place in PLACES
        }
        for role, person in ROLES.items()
    }
    lines = list(table(rows))[1:]
    found = [line.split() for line in lines]
    hint = "\n".join([f"if this is right, it belongs into {TABLE.name}:", *lines])
    assert found == [line.split() for line in rows_of(name)], hint


@pytest.mark.parametrize("name", SAMPLES)
def test_strangers_cannot_tell_what_there_is(name: str) -> None:
    """An id of somebody else would be told from one that nobody has."""
    for line in rows_of(name):
        cells = dict(zip(("deed", "role", *PLACES), line.split(), strict=True))
        assert cells["others'"] == cells["elsewhere"] == cells["unknown"] or (
            name in OF_PEOPLE  # a colleague is somebody one can know of
            and cells["elsewhere"] == cells["unknown"]
        )
