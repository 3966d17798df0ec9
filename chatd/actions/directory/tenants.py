"""Tenants: created by operators, their rules read by their administrators."""

import msgspec

from chatd.actions.basis.context import Context
from chatd.actions.sessions import OPERATOR, OPERATOR_OF_ALL
from chatd.domain.people import Caller
from chatd.domain.presets import PRESETS
from chatd.errors import Refused
from chatd.store import tenants
from chatd.store.change import Change
from chatd.store.tenants import PutTenant as Put
from chatd_protocol.chat.directory import GetPolicy, Policy, PutTenant, Tenant


async def put(context: Context, caller: Caller, request: PutTenant) -> Tenant:
    """Create a tenant, or change its name and preset.

    Raises:
        Refused: `forbidden` unless the caller's issuer operates that tenant.
    """
    own = request.tenant_id == caller.tenant
    if (OPERATOR if own else OPERATOR_OF_ALL) not in caller.scopes:
        raise Refused("forbidden")
    write = Put(request.name, request.preset)
    at_ms = context.clock.now_ms()
    await context.store.commit(Change(request.tenant_id, at_ms, (write,)))
    return Tenant(id=request.tenant_id, name=request.name, preset=request.preset)


async def policy(context: Context, caller: Caller, request: GetPolicy) -> Policy:
    """The rules of the caller's own tenant.

    Raises:
        Refused: `not_found` for any other.
    """
    found = await context.store.read(tenants.get, request.tenant_id)
    if found is None or request.tenant_id != caller.tenant:
        raise Refused("not_found")
    rules = msgspec.to_builtins(PRESETS[found.preset])
    return msgspec.convert({"preset": found.preset, "policy": rules}, Policy)
