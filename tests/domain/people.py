"""A small school for tests of the rules: who is who, and on which rosters."""

from chatd.domain.people import Details, Enrolment, PersonRecord
from chatd.domain.relations import Party


def person(
    id_: str, *roles: str, active: bool = True, off: bool = False, **details: object
) -> PersonRecord:
    return PersonRecord(
        id=id_,
        name=id_.title(),
        roles=roles or ("student",),
        active=active,
        messaging_disabled=off,
        details=Details(**details),  # type: ignore[arg-type]
    )


def party(
    id_: str,
    *roles: str,
    on: tuple[tuple[object, ...], ...] = (),
    active: bool = True,
    off: bool = False,
    **details: object,
) -> Party:
    """Somebody with places on rosters, each (kind, roster, role there, …)."""
    someone = person(id_, *roles, active=active, off=off, **details)
    return Party(someone, tuple(Enrolment(*place) for place in on))  # type: ignore[arg-type]
