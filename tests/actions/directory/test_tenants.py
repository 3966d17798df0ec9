"""If these fail, anybody creates tenants, or reads another's rules."""

import pytest

from chatd.actions.directory import tenants
from chatd.actions.sessions import OPERATOR, OPERATOR_OF_ALL
from chatd.domain.people import Caller
from chatd.errors import Refused
from chatd.store import tenants as stored
from chatd_protocol.chat.directory import GetPolicy, PutTenant
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


async def test_the_rules_can_be_read(school: House) -> None:
    """An administrator could not see what holds, or would see it of others."""
    answer = await tenants.policy(
        school.context, caller("admin"), GetPolicy(tenant_id=TENANT)
    )
    assert answer.preset == "itslearning"
    assert answer.policy["recipients_max"] == 300
    for who, asked in ((caller("admin"), "x"), (caller(tenant="x"), TENANT)):
        with pytest.raises(Refused, match="not_found"):
            await tenants.policy(school.context, who, GetPolicy(tenant_id=asked))
