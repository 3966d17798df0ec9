from chatd.domain.announcements import FactsMoved
from chatd.store import tenants
from chatd.store.tenants import PutPolicy, PutTenant, TenantRecord
from tests.store.shelf import TENANT, Shelf


async def test_put_and_changed(shelf: Shelf) -> None:
    """A tenant's policy would change without the caches being told."""
    read = shelf.store.read
    assert await read(tenants.get, "new") is None
    await shelf.write(PutTenant("New", "itslearning"), tenant="new")
    assert await read(tenants.get, "new") == TenantRecord(
        "new", "New", "itslearning", 1
    )
    await shelf.write(PutTenant("Newer", "moodle"), tenant="new")
    assert await read(tenants.get, "new") == TenantRecord("new", "Newer", "moodle", 2)
    assert shelf.announced == [FactsMoved("new", "tenant", "new")] * 2


async def test_a_policys_changes_stay_until_the_preset_changes(shelf: Shelf) -> None:
    """Rules of another platform would hold, or a rename would drop the school's own."""
    await shelf.write(PutTenant("School", "itslearning"))
    await shelf.write(PutPolicy("itslearning", '{"editWindowS":60}'))
    await shelf.write(PutTenant("Another name", "itslearning"))
    kept = await shelf.store.read(tenants.get, TENANT)
    assert kept is not None
    assert (kept.name, kept.changes) == ("Another name", '{"editWindowS":60}')
    await shelf.write(PutTenant("Another name", "moodle"))
    other = await shelf.store.read(tenants.get, TENANT)
    assert other is not None
    assert (other.preset, other.changes) == ("moodle", "{}")
