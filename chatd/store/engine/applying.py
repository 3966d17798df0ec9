"""Applies one Change inside a transaction: request key, guards, then the writes."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import orjson

from chatd.domain.announcements import PersonalMoved
from chatd.errors import Refused
from chatd.store import (
    conversations,
    members,
    messages,
    people,
    personal,
    rosters,
    tenants,
)
from chatd.store.between import acquaintances
from chatd.store.change import AlreadyDone, Change, Committed, Guard, Key, Moved
from chatd.store.content import attachments, search
from chatd.store.effects import Effects
from chatd.store.keeping import erasing, holds, lapsing, trail, vault
from chatd.store.mass import audience, jobs
from chatd.store.removing import copies, forwarded
from chatd.store.reporting import filing, guests
from chatd.store.saying import flagged, held
from chatd.store.transaction import Transaction

# `Any`: every function takes its own type of write, which is the key beside it.
APPLY: Final[Mapping[type, Callable[[Transaction, Effects, Any], Awaitable[None]]]] = {
    conversations.CreateConversation: conversations.create,
    conversations.Rename: conversations.rename,
    conversations.SetState: conversations.set_state,
    members.Join: members.join,
    members.Part: members.part,
    messages.InsertMessage: messages.insert,
    messages.EditMessage: messages.edit,
    messages.RemoveMessage: messages.remove,
    held.HoldMessage: held.hold,
    held.HoldEdit: held.hold_edit,
    held.RefuseHeld: held.refuse,
    held.DropHeld: held.drop,
    flagged.FlagMessage: flagged.flag,
    copies.RemoveCopies: copies.remove_copies,
    copies.TakeFiles: copies.take_files,
    forwarded.RemoveForwarded: forwarded.remove_forwarded,
    attachments.DoomBlob: attachments.doom,
    attachments.PutAttachment: attachments.put,
    attachments.DropAttachments: attachments.drop,
    attachments.ForgetBlobs: attachments.forget,
    search.IndexBacklog: search.index,
    people.PutPerson: people.put,
    people.EndSessions: people.end_sessions,
    personal.MoveRead: personal.move_read,
    personal.MarkUnread: personal.mark_unread,
    personal.SetMarks: personal.set_marks,
    acquaintances.SetContact: acquaintances.set_contact,
    acquaintances.SetBlock: acquaintances.set_block,
    personal.Hide: personal.hide,
    personal.HideMessage: personal.hide_message,
    personal.SetPreferences: personal.set_preferences,
    personal.PermissionsMoved: personal.permissions_moved,
    filing.FileReport: filing.file,
    filing.WithdrawReport: filing.withdraw,
    filing.ResolveCase: filing.resolve,
    filing.PurgeReport: filing.purge,
    guests.EnterAsGuest: guests.enter,
    guests.LeaveAsGuest: guests.leave,
    rosters.PutRoster: rosters.put,
    rosters.RemoveRoster: rosters.remove,
    rosters.PutRosterMember: rosters.put_member,
    rosters.RemoveRosterMember: rosters.remove_member,
    tenants.PutTenant: tenants.put,
    tenants.PutPolicy: tenants.put_policy,
    trail.Note: trail.note,
    audience.PutOrganisation: audience.put_organisation,
    jobs.PutMass: jobs.put,
    jobs.TakeMass: jobs.take,
    jobs.DeliverMass: jobs.deliver,
    jobs.CancelMass: jobs.cancel,
    holds.SetHold: holds.set_hold,
    holds.LiftHold: holds.lift,
    holds.Unheld: holds.unheld,
    vault.EmptyVault: vault.empty,
    lapsing.Claim: lapsing.claim,
    lapsing.SetPurged: lapsing.set_purged,
    erasing.ErasePerson: erasing.erase,
}

_TOO_LATE: Final = (
    messages.Conflict,
    attachments.Taken,
    held.Gone,
    holds.Held,
    lapsing.Claimed,
    audience.Known,
    jobs.Lost,
    guests.Settled,
)
"""What a write finds otherwise than the deed did that it belongs to."""

_VERSION_OF: Final = {
    "conversation": "SELECT version FROM conversation WHERE tenant = $1 AND id = $2",
    "person": "SELECT version FROM person WHERE tenant = $1 AND id = $2",
    "tenant": "SELECT version FROM tenant WHERE id = $1 AND id = $2",
    "message": (
        "SELECT CASE WHEN removed_at_ms IS NULL THEN 1 ELSE 2 END FROM message"
        " WHERE tenant = $1 AND id = $2"
    ),
    "roster": "SELECT version FROM roster WHERE tenant = $1 AND kind = $2 AND id = $3",
}


async def apply(tx: Transaction, change: Change) -> Effects:
    """Write a Change.

    Raises:
        AlreadyDone: its request was carried out before.
        Refused: `idempotency_conflict`.
        Moved: a fact that it relied on has changed.
    """
    if change.key is not None:
        await _look_up(tx, change.tenant, change.key)
    for write in change.writes:
        if isinstance(write, held.HoldMessage):
            await _look_up_message(tx, change.tenant, write.message)
            await _look_up_held(tx, change.tenant, write.message)
        if isinstance(write, messages.InsertMessage):
            await _look_up_message(tx, change.tenant, write)
    for guard in change.guards:
        await _check(tx, change.tenant, guard)
    effects = Effects(change.tenant, change.at_ms)
    try:
        for write in change.writes:
            await APPLY[type(write)](tx, effects, write)
    except _TOO_LATE:
        raise Moved from None
    except filing.Reported as known:
        raise AlreadyDone({"reportId": known.report_id}) from None
    if change.key is not None:
        await _keep(tx, change, change.key)
    return effects


def committed(change: Change, effects: Effects) -> Committed:
    """What a Change that is on disk is answered and announced with."""
    logged = effects.logged
    if (event_of := change.event) is not None:
        logged = [
            replace(row, event=event_of(row), origin=change.origin) for row in logged
        ]
    elif change.origin is not None:
        logged = [replace(row, origin=change.origin) for row in logged]
    told = effects.announcements
    if change.origin is not None:
        told = tuple(
            replace(one, origin=change.origin)
            if isinstance(one, PersonalMoved)
            else one
            for one in told
        )
    # Facts first: whoever acts on the news must not decide by what it made stale.
    return Committed(
        seqs=tuple(row.seq for row in logged), announcements=(*told, *logged)
    )


async def _check(tx: Transaction, tenant: str, guard: Guard) -> None:
    # A roster's kind holds no colon; its id may.
    key = guard.id.split(":", 1) if guard.noun == "roster" else [guard.id]
    row = await tx.one(_VERSION_OF[guard.noun], tenant, *key)
    # Version 0 is how a decision says that there was no such thing.
    if (row[0] if row else 0) != guard.version:
        raise Moved


async def _look_up(tx: Transaction, tenant: str, key: Key) -> None:
    row = await tx.one(
        "SELECT digest, result_json FROM request"
        " WHERE tenant = $1 AND user_id = $2 AND client_request_id = $3",
        tenant,
        key.user_id,
        key.client_request_id,
    )
    if row is None:
        return
    if bytes(row[0]) != key.digest:
        raise Refused("idempotency_conflict")
    raise AlreadyDone(orjson.loads(row[1]))


async def _look_up_message(
    tx: Transaction, tenant: str, write: messages.InsertMessage
) -> None:
    row = await tx.one(
        "SELECT id, digest FROM message"
        " WHERE tenant = $1 AND author_id = $2 AND client_message_id = $3",
        tenant,
        write.author_id,
        write.client_message_id,
    )
    if row is None:
        return
    # A removed message has lost its digest with its text: any repeat is the same.
    if row[1] is not None and bytes(row[1]) != write.digest:
        raise Refused("idempotency_conflict")
    raise AlreadyDone({"messageId": row[0]})


async def _look_up_held(
    tx: Transaction, tenant: str, write: messages.InsertMessage
) -> None:
    found = await held.by_client_id(
        tx, tenant, write.author_id, write.client_message_id
    )
    if found is None:
        return
    if found.message.digest != write.digest:
        raise Refused("idempotency_conflict")
    raise AlreadyDone({"heldId": found.id})


async def _keep(tx: Transaction, change: Change, key: Key) -> None:
    await tx.run(
        "INSERT INTO request (tenant, user_id, client_request_id, digest, result_json,"
        " created_at_ms) VALUES ($1, $2, $3, $4, $5, $6)",
        change.tenant,
        key.user_id,
        key.client_request_id,
        key.digest,
        kept_result(change),
        change.at_ms,
    )


def kept_result(change: Change) -> str:
    """A Change's result as it is kept under its key."""
    return orjson.dumps(change.result or {}).decode()


async def is_known(
    tx: Transaction, tenant: str, user_id: str, client_request_id: str
) -> bool:
    """Whether a request id was used before, for whatever."""
    row = await tx.one(
        "SELECT 1 FROM request"
        " WHERE tenant = $1 AND user_id = $2 AND client_request_id = $3",
        tenant,
        user_id,
        client_request_id,
    )
    return row is not None


async def request_result(
    tx: Transaction, tenant: str, key: Key
) -> Mapping[str, object] | None:
    """What was kept of a request that was carried out before.

    Raises:
        Refused: `idempotency_conflict`.
    """
    try:
        await _look_up(tx, tenant, key)
    except AlreadyDone as done:
        return done.result
    return None
