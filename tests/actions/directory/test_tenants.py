"""If these fail, anybody creates tenants, or reads another's rules."""

import pytest

from chatd.actions.directory import tenants
from chatd.actions.sessions import OPERATOR, OPERATOR_OF_ALL
from chatd.domain.announcements import PersonalMoved
from chatd.domain.people import Caller
from chatd.errors import Refused
from chatd.store import tenants as stored
from chatd_protocol.chat.directory import PutTenant
from tests.actions.deeds import refused, send, start
from tests.support.house import TENANT, House


def caller(*scopes: str, tenant: str = TENANT) -> Caller:
    return Caller(tenant, "ops", frozenset(scopes))


async def test_operators_create_tenants(school: House) -> None:
    """A new school could not be added."""
    request = PutTenant(tenant_id="new", name="New")
    for who in (caller(OPERATOR, tenant="new"), caller(OPERATOR, OPERATOR_OF_ALL)):
        answer = await tenants.put(school.context, who, request)
        assert (answer.id, answer.preset) == ("new", "itslearning")
    assert await school.context.store.read(stored.get, "new") is not None


async def test_nobody_else_does(school: House) -> None:
    """A school's own key would make tenants, or change another school."""
    request = PutTenant(tenant_id="new", name="New")
    for who in (
        caller("admin"),
        caller("admin", tenant="new"),
        caller("admin", OPERATOR),
    ):
        with pytest.raises(Refused, match="forbidden"):
            await tenants.put(school.context, who, request)
    assert await school.context.store.read(stored.get, "new") is None


async def test_another_preset_tells_who_is_concerned(full_school: House) -> None:
    """A composer would stay where nobody may write any longer (ITS-126)."""
    school_made = await start(full_school, "sue", "tom")
    full_school.announced.clear()
    request = PutTenant(tenant_id=TENANT, name="School", preset="tutoring")
    await tenants.put(full_school.context, caller("admin", OPERATOR), request)
    moved = {
        one.user_id for one in full_school.announced if isinstance(one, PersonalMoved)
    }
    assert {"sue", "tom"} <= moved
    await refused("relationship_ended", send(full_school, "sue", school_made.id))
