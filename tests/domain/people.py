"""A small school for tests of the rules: who is who, and on which rosters."""

from chatd.domain.people import Enrolment, PersonRecord
from chatd.domain.relations import Party


def person(
    id_: str, *roles: str, active: bool = True, off: bool = False
) -> PersonRecord:
    return PersonRecord(
        id=id_,
        name=id_.title(),
        roles=roles or ("student",),
        active=active,
        messaging_disabled=off,
    )


def party(id_: str, *roles: str, on: tuple[tuple[str, str, str], ...] = ()) -> Party:
    """Somebody with places on rosters, each (kind, roster, role there)."""
    return Party(person(id_, *roles), tuple(Enrolment(*place) for place in on))
