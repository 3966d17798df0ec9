"""A course group's conversation: there is one while the group's messaging is on.

Where the policy has that kind, putting a group with messaging makes its conversation,
with all its people; nobody else ever starts it (MOO-41). A policy that comes to have
the kind makes those of the groups that there are. Switching messaging off takes
everybody out, which hides it; switching it on brings them back to its whole history
(MOO-47). A batch has none.
"""

from typing import Final

import msgspec

from chatd.actions.basis.context import Context
from chatd.actions.basis.deciding import carry_out
from chatd.actions.basis.facts import policy_of
from chatd.domain.policy import Policy
from chatd.ids import new_id
from chatd.store import conversations, members, rosters
from chatd.store.change import Change, Guard, Write
from chatd.store.conversations import CreateConversation
from chatd.store.members import Join, NewMember, Part
from chatd.store.rosters import PutRoster, RosterRecord
from chatd.store.transaction import Transaction
from chatd_protocol.chat.directory import GroupKind

PAGE: Final = 500
"""Groups that are looked for in one read."""


class GroupDetails(msgspec.Struct, frozen=True):
    """What is kept of a group besides its name and people."""

    kind: GroupKind = "courseGroup"
    messaging: bool = True


def details_of(roster: PutRoster | RosterRecord) -> GroupDetails:
    """The details of a group."""
    return msgspec.json.decode(roster.details, type=GroupDetails)


def talks(roster: RosterRecord) -> bool:
    """Whether a roster's people are in its conversation, if it has one."""
    return roster.kind != "group" or details_of(roster).messaging


async def following(
    tx: Transaction,
    tenant: str,
    wanted: PutRoster | RosterRecord,
    conversation_id: str | None,
) -> tuple[Write, ...]:
    """What becomes of a group's conversation when the group is put so."""
    details = details_of(wanted)
    people = await rosters.member_ids(tx, tenant, "group", wanted.id)
    everybody = tuple(NewMember(user_id) for user_id in people)
    if conversation_id is None:
        policy = await policy_of(tx, tenant)
        offered = "courseGroup" in policy.kinds and details.kind == "courseGroup"
        if not (offered and details.messaging):
            return ()
        create = CreateConversation(
            new_id(),
            "courseGroup",
            wanted.name,
            None,
            everybody,
            roster_kind="group",
            roster_id=wanted.id,
        )
        return (create,)
    if details.messaging:
        return (Join(conversation_id, everybody, None),) if everybody else ()
    current = await members.current_ids(tx, tenant, conversation_id)
    return (Part(conversation_id, current, None),) if current else ()


async def begin_talks(
    context: Context, tenant: str, before: Policy, after: Policy
) -> None:
    """Give the groups that there are their conversations, where there were none.

    Each is committed by itself: a group that is put meanwhile makes its own.
    """
    if "courseGroup" in before.kinds or "courseGroup" not in after.kinds:
        return
    last = ""
    while some := await context.store.read(
        rosters.without_conversation, tenant, "group", last, PAGE
    ):
        for one in some:
            await _begin(context, tenant, one.id)
        last = some[-1].id


async def _begin(context: Context, tenant: str, group_id: str) -> None:
    async def change() -> Change | None:
        writes, version = await context.store.read(_missing, tenant, group_id)
        if not writes:
            return None
        guard = Guard("roster", f"group:{group_id}", version)
        return Change(tenant, context.clock.now_ms(), writes, (guard,))

    await carry_out(context, change)


async def _missing(
    tx: Transaction, tenant: str, group_id: str
) -> tuple[tuple[Write, ...], int]:
    group = await rosters.get(tx, tenant, "group", group_id)
    found = await conversations.of_roster(tx, tenant, "group", group_id)
    if group is None or found is not None:
        return (), 0
    return await following(tx, tenant, group, None), group.version
