"""Who the caller means by an id, and how that person is shown."""

from dataclasses import dataclass

from chatd.actions import presenting
from chatd.actions.basis.facts import parties, policy_of
from chatd.clock import rfc3339
from chatd.domain.cases import Case
from chatd.domain.conversations import direct_key
from chatd.domain.people import Caller, PersonRecord
from chatd.domain.verdicts import decide
from chatd.errors import Refused, invalid
from chatd.store import conversations
from chatd.store.between import acquaintances
from chatd.store.between.acquaintances import Acquaintance
from chatd.store.change import Guard
from chatd.store.personal import PermissionsMoved
from chatd.store.transaction import Transaction
from chatd_protocol.chat.social.people import Contact


@dataclass(frozen=True, slots=True)
class Known:
    """The caller and another person.

    Attributes:
        mine: the caller's half of what is between them.
        acquainted: whether the caller may know that there is such a person.
        direct: their direct conversation, if there is one.
    """

    case: Case
    mine: Acquaintance
    acquainted: bool
    direct: str | None

    @property
    def guards(self) -> tuple[Guard, ...]:
        """The versions that a decision about the two relies on."""
        people = [self.case.sender.person]
        if self.case.recipient is not None:
            people.append(self.case.recipient.person)
        return tuple(Guard("person", one.id, one.version) for one in people)

    def told(self, *user_ids: str) -> tuple[PermissionsMoved, ...]:
        """What these may do in their direct conversation is another thing now."""
        if self.direct is None:
            return ()
        return (PermissionsMoved(self.direct, user_ids),)


async def known(tx: Transaction, caller: Caller, user_id: str) -> Known:
    """The caller and somebody else.

    Raises:
        Refused: `invalid_request` for the caller's own id.
    """
    if user_id == caller.user_id:
        raise invalid("/userId", "oneself")
    tenant, me = caller.tenant, caller.user_id
    found = await parties(tx, tenant, [me, user_id])
    if me not in found:
        raise Refused("not_found")
    policy = await policy_of(tx, tenant)
    between = (await acquaintances.between(tx, tenant, me, [user_id]))[user_id]
    case = Case(policy, found[me], found.get(user_id), between)
    mine = await acquaintances.one(tx, tenant, me, user_id)
    direct = await conversations.direct(tx, tenant, direct_key(me, user_id))
    acquainted = mine != Acquaintance(user_id) or (
        case.recipient is not None
        and (
            decide("initiate", case).allowed
            or await acquaintances.acquainted(tx, tenant, me, user_id)
        )
    )
    return Known(case, mine, acquainted, direct)


def shown(half: Acquaintance, person: PersonRecord) -> Contact:
    """How the caller stands with somebody, as the contract shows it."""
    return Contact(
        user=presenting.participant(person),
        state=half.shown,
        at=rfc3339(half.at_ms) if half.shown != "none" else None,
    )
