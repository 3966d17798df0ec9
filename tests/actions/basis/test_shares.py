"""One busy tenant beside the others."""

import asyncio

import pytest

from chatd.actions.basis.shares import Shares
from chatd.errors import Refused
from chatd.store.change import Change
from chatd.store.people import PutPerson
from chatd.store.tenants import PutTenant
from tests.support.house import TENANT, House

QUIET = "a quiet tenant"


async def test_a_busy_tenant_does_not_hold_up_the_others(school: House) -> None:
    """A school that is writing would wait behind everything that a bigger one does."""
    shares, done = Shares(at_once=20), list[str]()
    await school.write(PutTenant("Quiet", "itslearning"), tenant=QUIET)

    async def deed(tenant: str, number: int) -> None:
        async with shares.one_of(tenant):
            write = PutPerson(f"p{number}", "P", ("student",))
            await school.context.store.commit(Change(tenant, 1, (write,)))
        done.append(tenant)

    async with asyncio.TaskGroup() as group:
        for number in range(500):
            group.create_task(deed(TENANT, number))
        await asyncio.sleep(0)
        group.create_task(deed(QUIET, 0))
    assert done.index(QUIET) < 100
    assert done.count(TENANT) == 500
    assert len(shares) == 0


async def test_the_line_of_a_tenant_has_an_end() -> None:
    """The memory of all would fill with the deeds of one."""
    shares, may_go = Shares(at_once=1, waiting=2), asyncio.Event()

    async def deed(tenant: str) -> None:
        async with shares.one_of(tenant):
            await may_go.wait()

    tasks = [asyncio.ensure_future(deed("busy")) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Refused, match="overloaded"):
        await deed("busy")
    quiet = asyncio.ensure_future(deed("quiet"))
    await asyncio.sleep(0)
    # Somebody who gives up leaves the line.
    tasks[1].cancel()
    may_go.set()
    await quiet
    await tasks[0]
    await tasks[2]
    assert tasks[1].cancelled()
    assert len(shares) == 0


async def test_a_turn_is_passed_on_when_nobody_takes_it() -> None:
    """Each client that left at the wrong moment would cost its tenant a place."""
    shares, may_go = Shares(at_once=1), asyncio.Event()
    inside: list[str] = []

    async def deed(name: str) -> None:
        async with shares.one_of("busy"):
            inside.append(name)
            await may_go.wait()

    first, second, third = (asyncio.ensure_future(deed(name)) for name in "abc")
    await asyncio.sleep(0)
    may_go.set()
    await first
    # It has been given the turn, and is gone before it can take it.
    second.cancel()
    await asyncio.wait([second])
    await third
    assert inside[0] == "a"
    assert inside[-1] == "c"
    assert len(shares) == 0
