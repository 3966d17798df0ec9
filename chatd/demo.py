"""The demo tenant: a small school to try things in, made by `--demo` only.

It is made when absent and never touched again, so that what somebody changed stays.
"""

from collections.abc import Iterator

from chatd.clock import Clock
from chatd.domain.people import Caller
from chatd.identity.issuers import Signer
from chatd.identity.tokens import mint
from chatd.store import tenants
from chatd.store.change import Change, Write
from chatd.store.engine.interface import Store
from chatd.store.people import PutPerson
from chatd.store.rosters import PutRoster, PutRosterMember
from chatd.store.tenants import PutTenant

TENANT = "demo"
LINK_TTL_S = 12 * 3600
"""A day at school."""

AT_ONCE = 100
"""Writes in one transaction: a loaded database has them done within its deadline."""

STUDENTS = tuple(f"s{number:03}" for number in range(1, 401))
STAFF = {
    "owner": ("Olga Owner", ("owner",)),
    "admin": ("Adam Admin", ("admin",)),
    "anna": ("Anna Berg", ("teacher",)),
    "ben": ("Ben Holm", ("teacher",)),
}
ROSTERS = (
    ("course", "math-7a", "Mathematics 7a", ("anna",), STUDENTS[:30]),
    ("course", "physics-9", "Physics 9", ("anna", "ben"), STUDENTS[:350]),
    ("project", "science-fair", "Science fair", ("ben",), STUDENTS[:8]),
    ("unit", "lower-school", "Lower school", ("anna", "ben"), STUDENTS),
)
LOGINS = (("admin", "admin"), ("teacher", "anna"), ("student", "s001"))


async def create_demo(store: Store, clock: Clock) -> None:
    """Create the demo tenant unless it is there."""
    if await store.read(tenants.get, TENANT) is None:
        writes = list(_writes())
        # The tenant comes last: who is interrupted begins anew, and changes nothing.
        for start in range(0, len(writes), AT_ONCE):
            part = tuple(writes[start : start + AT_ONCE])
            await store.commit(Change(TENANT, clock.now_ms(), part))


def _writes() -> Iterator[Write]:
    for id_, (name, roles) in STAFF.items():
        yield PutPerson(id_, name, roles)
    for id_ in STUDENTS:
        yield PutPerson(id_, f"Student {id_[1:]}", ("student",))
    for kind, id_, name, teachers, students in ROSTERS:
        yield PutRoster(kind, id_, name)
        for user_id in teachers:
            yield PutRosterMember(kind, id_, user_id, "teacher")
        for user_id in students:
            yield PutRosterMember(kind, id_, user_id, "student")
    for user_id in ("owner", "admin"):
        yield PutRosterMember("unit", "lower-school", user_id, "observer")
    yield PutTenant("Demo school", "itslearning")


def login_links(key: Signer, base: str, now_ms: int) -> Iterator[str]:
    """One line per role. The token is in the fragment, which no server ever gets."""
    for role, user_id in LOGINS:
        token = mint(key, Caller(TENANT, user_id), now_ms, LINK_TTL_S)
        yield f"{role} {user_id}: {base}/#token={token}"
