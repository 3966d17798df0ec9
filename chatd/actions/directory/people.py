"""People as the platform has them: put, get, delete; what follows from a change.

Whoever is switched off is out at once, on every connection; what else decides about
what a person may do (roles, messaging) is told to that person's clients.
"""

from typing import Final

import msgspec

from chatd.actions.basis.context import Context
from chatd.actions.basis.facts import policy_of
from chatd.actions.basis.noting import noted
from chatd.actions.directory import availability
from chatd.actions.directory.deciding import Decide, commit, require_tenant
from chatd.actions.directory.telling import everywhere
from chatd.clock import rfc3339
from chatd.domain.announcements import Hinted
from chatd.domain.people import Caller, Details, PersonRecord
from chatd.errors import Refused
from chatd.store import conversations, members, people
from chatd.store.change import Guard, Write
from chatd.store.members import Part
from chatd.store.people import EndSessions, PutPerson
from chatd.store.personal import PermissionsMoved, SetPreferences
from chatd.store.reporting.guests import LeaveAsGuest
from chatd.store.rosters import RemoveRosterMember
from chatd.store.transaction import Transaction
from chatd_protocol.chat.directory import DeleteUser, GetUser, PutUser, User
from chatd_protocol.chat.events import UserUpdated
from chatd_protocol.chat.objects import Participant, StatedAvailability
from chatd_protocol.chat.results import Empty

CONVERSATIONS_HINTED_MAX: Final = 50
"""The latest ones: people who share several get the hint several times, and it changes
looks only."""


async def put(context: Context, caller: Caller, request: PutUser) -> User:
    """Add a person or replace what is known of one.

    Raises:
        Refused: `not_found` for a tenant that does not exist, `invalid_request` for
            stated hours that are none.
    """
    await require_tenant(context, caller)
    wanted = _written(request)
    before: PersonRecord | None = None

    async def decide() -> tuple[User, tuple[Write, ...], tuple[Guard, ...]]:
        nonlocal before
        now = await context.store.read(people.get, caller.tenant, request.user_id)
        before = now
        guard = Guard("person", request.user_id, now.version if now else 0)
        answer = _shown(request.user_id, wanted)
        if now is None:
            policy = await context.store.read(policy_of, caller.tenant)
            # The platform's default is where a person's own choice begins (MOO-67).
            begins = SetPreferences(wanted.id, enter_sends=True)
            own = (begins,) if policy.enter_sends else ()
            note = _note(caller, None, wanted)
            return answer, (wanted, *own, *note), (guard,)
        if _of_record(now) == wanted:
            return answer, (), ()
        writes: list[Write] = [wanted, *_note(caller, now, wanted)]
        if now.active and not wanted.active:
            before_ms = context.clock.now_ms() + 1
            writes.append(EndSessions(request.user_id, before_ms))
        if _rights(now) != _rights(wanted):
            writes += await context.store.read(
                everywhere, caller.tenant, request.user_id
            )
        return answer, tuple(writes), (guard,)

    answer = await commit(context, caller, decide)
    if before is not None and _looks(before) != _looks(wanted):
        await hint(context, caller.tenant, wanted)
    return answer


async def get(context: Context, caller: Caller, request: GetUser) -> User:
    """Read one person.

    Raises:
        Refused: `not_found`.
    """
    found = await context.store.read(people.get, caller.tenant, request.user_id)
    if found is None or is_deleted(found):
        raise Refused("not_found")
    return shown(found)


async def delete(context: Context, caller: Caller, request: DeleteUser) -> Empty:
    """Take a person out of everything but the past; who is out already stays out.

    Their name stays at what they said. Direct conversations stay, too, and can only be
    read from then on, because one of the two is not active (ISP-24, ISP-25).
    """

    async def decide() -> tuple[Empty, tuple[Write, ...], tuple[Guard, ...]]:
        now = await context.store.read(people.get, caller.tenant, request.user_id)
        if now is None or is_deleted(now):
            return Empty(), (), ()
        writes = (
            PutPerson(
                now.id, now.name, now.roles, active=False, details=Details(deleted=True)
            ),
            noted(caller, "person.rights_changed", "person", now.id, deleted=True),
            EndSessions(now.id, context.clock.now_ms() + 1),
            *await context.store.read(_parted, caller.tenant, now.id),
        )
        return Empty(), writes, (Guard("person", now.id, now.version),)

    decision: Decide[Empty] = decide
    return await commit(context, caller, decision)


def is_deleted(person: PersonRecord) -> bool:
    """Whether the platform took this person out; what they said keeps the name."""
    return person.details.deleted


def shown(person: PersonRecord) -> User:
    """A person as the platform reads it back."""
    return _shown(person.id, _of_record(person))


def _written(request: PutUser) -> PutPerson:
    details = Details(
        privileges=request.privileges,
        availability=availability.written(request.availability),
        guardian_of=request.guardian_of,
        supervises=request.supervises,
    )
    return PutPerson(
        id=request.user_id,
        name=request.name,
        roles=request.roles,
        title=request.title,
        email=request.email,
        avatar_url=request.avatar_url,
        active=request.active,
        messaging_disabled=request.messaging_disabled,
        details=details,
    )


def _of_record(record: PersonRecord) -> PutPerson:
    """The write that would make this record."""
    return PutPerson(
        id=record.id,
        name=record.name,
        roles=record.roles,
        title=record.title,
        email=record.email,
        avatar_url=record.avatar_url,
        active=record.active,
        messaging_disabled=record.messaging_disabled,
        details=record.details,
    )


def _shown(user_id: str, person: PutPerson) -> User:
    details = person.details
    return msgspec.convert(
        {
            "id": user_id,
            "name": person.name,
            "roles": person.roles,
            "title": person.title,
            "email": person.email,
            "avatarUrl": person.avatar_url,
            "active": person.active,
            "messagingDisabled": person.messaging_disabled,
            "privileges": details.privileges or None,
            "availability": msgspec.to_builtins(details.availability),
            "guardianOf": details.guardian_of or None,
            "supervises": details.supervises or None,
        },
        User,
    )


def _rights(person: PersonRecord | PutPerson) -> tuple[object, ...]:
    """What of a person decides about what they and their partners may do."""
    return (
        person.active,
        person.messaging_disabled,
        frozenset(person.roles),
        msgspec.structs.replace(person.details, availability=None),
    )


# Whoever is added with one of these has more than everybody has.
_POWERFUL: Final = frozenset({"owner", "admin", "departmentAdmin", "supervisor"})


def _note(
    caller: Caller, before: PersonRecord | None, after: PutPerson
) -> tuple[Write, ...]:
    """The row of the audit trail, where rights changed; a new pupil is no news."""
    if before is None:
        if not (_POWERFUL & set(after.roles) or after.details.privileges):
            return ()
    elif _granted(before) == _granted(after):
        return ()
    facts = {"before": _granted(before) if before else None, "after": _granted(after)}
    return (noted(caller, "person.rights_changed", "person", after.id, **facts),)


def _granted(person: PersonRecord | PutPerson) -> dict[str, object]:
    """What the platform lets a person do or not do: codes, as the trail keeps them."""
    return {
        "active": person.active,
        "messagingDisabled": person.messaging_disabled,
        "roles": sorted(person.roles),
        "privileges": sorted(person.details.privileges),
        "guardianOf": sorted(person.details.guardian_of),
        "supervises": sorted(person.details.supervises),
    }


def _looks(person: PersonRecord | PutPerson) -> tuple[object, ...]:
    """What of a person others see."""
    hours = person.details.availability
    return person.name, person.title, person.avatar_url, person.active, hours


async def hint(context: Context, tenant: str, person: PersonRecord | PutPerson) -> None:
    """Tell those who share a conversation how the person looks now; it may be lost."""
    policy = await context.store.read(policy_of, tenant)
    hours = None if policy.availability == "off" else person.details.availability
    event = UserUpdated(
        at=rfc3339(context.clock.now_ms()),
        user=Participant(
            id=person.id,
            name=person.name,
            role="member",
            roles=person.roles,
            title=person.title,
            avatar_url=person.avatar_url,
            active=person.active,
            messaging_disabled=person.messaging_disabled,
            availability=msgspec.convert(
                hours, StatedAvailability | None, from_attributes=True
            ),
        ),
    )
    joined = await context.store.read(conversations.joined, tenant, person.id)
    # The others know of no guest, and of nobody else who has a mass message.
    known = [
        record.id
        for record, stay in joined
        if stay == "member" and record.kind != "mass"
    ]
    context.publish(
        [
            Hinted(tenant, conversation_id, person.id, event)
            for conversation_id in known[:CONVERSATIONS_HINTED_MAX]
        ]
    )


async def _parted(tx: Transaction, tenant: str, user_id: str) -> tuple[Write, ...]:
    enrolments = (await people.enrolments(tx, tenant, [user_id]))[user_id]
    writes: list[Write] = [
        RemoveRosterMember(enrolment.kind, enrolment.roster_id, user_id)
        for enrolment in enrolments
    ]
    joined = await conversations.joined(tx, tenant, user_id)
    direct = [record.id for record, _ in joined if record.kind == "direct"]
    both = await members.current_of(tx, tenant, direct)
    for record, stay in joined:
        if stay == "guest":
            writes.append(LeaveAsGuest(record.id, user_id))
        elif record.kind == "direct":
            writes.append(PermissionsMoved(record.id, both[record.id]))
        elif record.kind != "mass":  # whose readers would be told who has it
            writes.append(Part(record.id, (user_id,), None))
    return tuple(writes)
