from chatd.domain.announcements import FactsMoved
from chatd.store import tenants
from chatd.store.tenants import PutTenant, TenantRecord
from tests.store.shelf import Shelf


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
