"""Whom a mass message may mean, and in whose name it may be sent (ITS-107 … 115).

An audience is made of units: those that the sender belongs to, and all below. Where
the rules say so, also of rosters that the sender is on and of people by name; of these
each one is judged as if written to alone. What one may not name is answered like what
does not exist.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chatd.actions.basis.deciding import require
from chatd.actions.basis.facts import parties, rules_of
from chatd.domain.cases import Case, overrides_everywhere
from chatd.domain.people import Caller
from chatd.domain.policy import Policy
from chatd.domain.relations import Party
from chatd.domain.verdicts import decide
from chatd.errors import Refused, invalid
from chatd.store import people
from chatd.store.change import Guard
from chatd.store.mass import audience
from chatd.store.mass.audience import Audience
from chatd.store.transaction import Transaction
from chatd_protocol.chat.requests import Recipient


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is asked for, and the rules of it.

    `counts` are people by role; `organisations` the names of the units in whose name
    it may be sent.
    """

    policy: Policy
    starter: Party
    audience: Audience
    counts: tuple[tuple[str, int], ...]
    organisations: Mapping[str, str]
    guards: tuple[Guard, ...]

    @property
    def total(self) -> int:
        """How many different people are meant."""
        return sum(count for _, count in self.counts)


async def asked(
    tx: Transaction,
    caller: Caller,
    recipients: Sequence[Recipient],
    roles: Sequence[str],
) -> Asked:
    """Who is meant by these names, as it is now.

    Raises:
        Refused: why the caller may not send to many; `recipient_unknown` for what the
            caller may not name.
    """
    tenant = caller.tenant
    policy, rules = await rules_of(tx, tenant)
    known = await parties(tx, tenant, [caller.user_id])
    if caller.user_id not in known:
        raise Refused("not_found")
    starter = known[caller.user_id]
    require(decide("start", Case(policy, starter, kind="mass")))
    named = _named(policy, recipients)
    wide = policy.mass.audience == "reachable" and overrides_everywhere(
        Case(policy, starter)
    )
    own = {one.roster_id for one in starter.enrolments if one.kind == "unit"}
    everybody = wide and not named
    units = named.get("unit", () if named or everybody else tuple(sorted(own)))
    above = await people.units_above(tx, tenant, units)
    names = await audience.unit_names(
        tx, tenant, sorted({*units, *(id_ for some in above.values() for id_ in some)})
    )
    for id_ in units:
        mine = not own.isdisjoint((id_, *above.get(id_, ())))
        if id_ not in names or not (mine or wide):
            raise Refused("recipient_unknown")
    rosters = [
        (kind, id_)
        for kind in ("course", "project", "group")
        for id_ in named.get(kind, ())
    ]
    if not wide and any(starter.role_in(*one) is None for one in rosters):
        raise Refused("recipient_unknown")
    meant = Audience(
        sender_id=caller.user_id,
        units=units,
        rosters=tuple(rosters),
        users=named.get("user", ()),
        roles=tuple(roles),
        everybody=everybody,
    )
    # Without anybody who could be meant there is no statement to ask.
    empty = not (meant.units or meant.rosters or meant.users or everybody)
    return Asked(
        policy,
        starter,
        meant,
        () if empty else await audience.counts(tx, tenant, meant),
        _organisations(policy, units, above, names),
        (rules, Guard("person", caller.user_id, starter.person.version)),
    )


def _named(
    policy: Policy, recipients: Sequence[Recipient]
) -> Mapping[str, tuple[str, ...]]:
    offered = {"unit"}
    if policy.mass.audience == "reachable":
        offered |= {"user", "course", "project", "group"}
    named: dict[str, tuple[str, ...]] = {}
    for at, one in enumerate(recipients):
        if one.kind not in offered:
            raise invalid(f"/recipients/{at}/kind", "not_available")
        named[one.kind] = (*named.get(one.kind, ()), one.id)
    return {kind: tuple(dict.fromkeys(ids)) for kind, ids in named.items()}


def _organisations(
    policy: Policy,
    units: Sequence[str],
    above: Mapping[str, tuple[str, ...]],
    names: Mapping[str, str],
) -> Mapping[str, str]:
    """The chosen units, and what stands above all of them (ITS-115).

    None where each recipient could answer: an organisation cannot be written to.
    """
    if policy.mass.replies == "direct" or not units:
        return {}
    over = [set(above.get(id_, ())) for id_ in units]
    common = set.intersection(*over)
    ids = [*units, *(id_ for id_ in above.get(units[0], ()) if id_ in common)]
    return {id_: names[id_] for id_ in dict.fromkeys(ids) if id_ in names}
