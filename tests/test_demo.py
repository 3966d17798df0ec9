"""The demo tenant, exactly as the contract lists it."""

from pathlib import Path

from chatd.clock import SystemClock
from chatd.demo import LOGINS, ROSTERS, STAFF, STUDENTS, TENANT, create_demo
from chatd.store import people, rosters, tenants
from chatd.store.change import Change
from chatd.store.engine.sqlite import open_store
from chatd.store.tenants import PutTenant


async def test_it_is_the_contract_s(tmp_path: Path) -> None:
    """Everybody who tries chatd by its documents would find another school."""
    clock = SystemClock()
    store = open_store(
        tmp_path / "chatd.sqlite3", clock=clock, on_committed=lambda _: None
    )
    await create_demo(store, clock)
    tenant = await store.read(tenants.get, TENANT)
    assert tenant is not None
    assert tenant.preset == "itslearning"
    assert (STUDENTS[0], STUDENTS[-1], len(STUDENTS)) == ("s001", "s400", 400)
    found = await store.read(people.many, TENANT, [*STAFF, *STUDENTS])
    assert len(found) == 404
    assert {found[name].roles for name in ("anna", "ben")} == {("teacher",)}
    sizes = {
        (kind, id_): (len(staff), len(pupils))
        for kind, id_, _, staff, pupils in ROSTERS
    }
    assert sizes == {
        ("course", "math-7a"): (1, 30),
        ("course", "physics-9"): (2, 350),
        ("project", "science-fair"): (1, 8),
        ("unit", "lower-school"): (2, 400),
    }
    members = await store.read(rosters.members, TENANT, "course", "physics-9")
    assert len(members) == 352
    assert {user for _, user in LOGINS} <= set(found)
    await store.close()


async def test_it_is_never_touched_again(tmp_path: Path) -> None:
    """A restart would undo what somebody changed in the demo."""
    clock = SystemClock()
    store = open_store(
        tmp_path / "chatd.sqlite3", clock=clock, on_committed=lambda _: None
    )
    await create_demo(store, clock)
    renamed = Change(TENANT, clock.now_ms(), (PutTenant("Ours", "itslearning"),))
    await store.commit(renamed)
    await create_demo(store, clock)
    tenant = await store.read(tenants.get, TENANT)
    assert tenant is not None
    assert tenant.name == "Ours"
    await store.close()
