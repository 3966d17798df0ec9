"""Tenants: created by operators, each by the preset of one platform."""

from chatd.actions.basis.context import Context
from chatd.actions.directory.groups import begin_talks
from chatd.actions.directory.telling import retold
from chatd.actions.sessions import OPERATOR, OPERATOR_OF_ALL
from chatd.domain.people import Caller
from chatd.domain.presets import PRESETS
from chatd.domain.presets.changing import effective
from chatd.errors import Refused
from chatd.store import tenants
from chatd.store.change import Change
from chatd.store.tenants import PutTenant as Put
from chatd_protocol.chat.directory import PutTenant, Tenant


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
    found = await context.store.read(tenants.get, request.tenant_id)
    await context.store.commit(Change(request.tenant_id, at_ms, (write,)))
    if found is not None and found.preset != request.preset:
        before = effective(found.preset, found.changes)
        after = PRESETS[request.preset]
        await retold(context, request.tenant_id, before, after)
        await begin_talks(context, request.tenant_id, before, after)
    return Tenant(id=request.tenant_id, name=request.name, preset=request.preset)
