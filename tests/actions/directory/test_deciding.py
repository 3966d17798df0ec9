"""If these fail, two deeds at once undo each other, or one never ends."""

import pytest

from chatd.actions.basis.deciding import TRIES
from chatd.actions.directory.deciding import commit, require_tenant
from chatd.domain.people import Caller
from chatd.errors import Refused
from chatd.store import people
from chatd.store.change import Guard, Write
from chatd.store.people import PutPerson
from tests.support.house import TENANT, House


async def test_moved_facts_are_decided_on_again(school: House) -> None:
    """A change that came between would be lost."""
    tries = 0

    async def decide() -> tuple[int, tuple[Write, ...], tuple[Guard, ...]]:
        nonlocal tries
        tries += 1
        now = await school.context.store.read(people.get, TENANT, "u")
        if tries == 1:
            await school.people("u")
        guard = Guard("person", "u", now.version if now else 0)
        return tries, (PutPerson("u", "Later", ("student",)),), (guard,)

    assert await commit(school.context, school.platform, decide) == 2
    found = await school.context.store.read(people.get, TENANT, "u")
    assert found is not None
    assert found.name == "Later"


async def test_it_gives_up(school: House) -> None:
    """A busy person would keep a request waiting for ever."""
    tries = 0

    async def decide() -> tuple[None, tuple[Write, ...], tuple[Guard, ...]]:
        nonlocal tries
        tries += 1
        return None, (PutPerson("u", "U", ()),), (Guard("person", "u", 99),)

    with pytest.raises(Refused, match="overloaded"):
        await commit(school.context, school.platform, decide)
    assert tries == TRIES


async def test_a_tenant_must_exist(school: House) -> None:
    """People would be written for a tenant that nobody created."""
    await require_tenant(school.context, school.platform)
    with pytest.raises(Refused, match="not_found"):
        await require_tenant(school.context, Caller("other", "lms"))
