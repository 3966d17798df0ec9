"""Who is meant by the recipients of a request, each person once, and what that allows.

The table of ITS-45 … ITS-52: one person makes a direct conversation; a course or
project alone makes its own, of any size, or individual messages up to the limit;
everything else is a group or individual messages, of so many different people at most.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from chatd.actions.basis.facts import parties, policy_of
from chatd.domain.cases import ROSTER_KINDS, Case
from chatd.domain.conversations import Kind
from chatd.domain.people import Caller
from chatd.domain.policy import Policy
from chatd.domain.relations import Party
from chatd.domain.verdicts import decide
from chatd.errors import Refused, invalid
from chatd.limits import Limits
from chatd.store import rosters
from chatd.store.rosters import RosterRecord
from chatd.store.transaction import Transaction
from chatd_protocol.chat.requests import Recipient

KIND_OF: Final[Mapping[str, Kind]] = {
    roster: kind for kind, roster in ROSTER_KINDS.items()
}
"""The kind of conversation that follows each kind of roster."""


@dataclass(frozen=True, slots=True)
class Meant:
    """Everybody who is asked for, without the caller.

    `alone` is the only recipient, if there is one, `roster` what it names unless a
    person; `sizes` are those of the rosters among the recipients.
    """

    policy: Policy
    starter: Party
    people: tuple[str, ...]
    alone: Recipient | None
    roster: RosterRecord | None
    sizes: tuple[int, ...]
    oneself: bool

    def case(self, kind: Kind, count: int | None = None) -> Case:
        """What decides whether the caller may start this kind by hand with them."""
        count = len(self.people) if count is None else count
        several = self.roster is not None or self.alone is None
        return Case(
            self.policy, self.starter, kind=kind, count=count, individually=several
        )


async def meant(
    tx: Transaction, caller: Caller, recipients: Sequence[Recipient], limits: Limits
) -> Meant:
    """Who is meant; the policy's bound on them is never above the installation's.

    Raises:
        Refused: `invalid_request` for a kind of recipient that there is not here, or
            nobody; `not_enrolled` and others for a roster that one may not write to.
    """
    policy = await policy_of(tx, caller.tenant)
    most = min(policy.recipients_max or limits.recipients, limits.recipients)
    policy = msgspec.structs.replace(policy, recipients_max=most)
    known = await parties(tx, caller.tenant, [caller.user_id])
    if caller.user_id not in known:
        raise Refused("not_found")
    for at, one in enumerate(recipients):
        # A unit has no conversation of its own: mass messages reach its people.
        known_kind = one.kind == "user" or one.kind in KIND_OF
        if one.kind not in policy.recipient_kinds or not known_kind:
            raise invalid(f"/recipients/{at}/kind", "not_available")
    starter = known[caller.user_id]
    asked: dict[str, None] = {}
    found: list[RosterRecord] = []
    for one in recipients:
        if one.kind == "user":
            asked[one.id] = None
            continue
        role = starter.role_in(one.kind, one.id)
        kind = KIND_OF[one.kind]
        verdict = decide("start", Case(policy, starter, kind=kind, roster_role=role))
        if not verdict.allowed:
            raise Refused(verdict.code)
        record = await rosters.get(tx, caller.tenant, one.kind, one.id)
        if record is not None:
            found.append(record)
        members = await rosters.member_ids(tx, caller.tenant, one.kind, one.id)
        asked.update(dict.fromkeys(members))
    alone = recipients[0] if len(recipients) == 1 else None
    oneself = list(asked) == [caller.user_id]
    asked.pop(caller.user_id, None)
    if not asked and not found and not (oneself and "self" in policy.kinds):
        raise invalid("/recipients", "nobody")
    return Meant(
        policy,
        starter,
        tuple(asked),
        alone,
        found[0] if alone is not None and found else None,
        tuple(one.size for one in found),
        oneself,
    )
