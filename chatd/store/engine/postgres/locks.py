"""Which rows a Change will write, locked in one order before anything is decided.

Several gateways write at once. Rows are locked by kind, and within a kind by key, so
that no two transactions wait for each other; guards are checked behind the locks, so
that of two Changes which rest on one version one wins. What a Change only looks at is
not locked: a guard on it holds for the moment of its check.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from chatd.store import (
    conversations,
    members,
    messages,
    people,
    personal,
    rosters,
    tenants,
)
from chatd.store.between.acquaintances import SetBlock, SetContact
from chatd.store.change import Change
from chatd.store.content import attachments, search
from chatd.store.engine.postgres.connections import PostgresTransaction
from chatd.store.keeping import erasing, holds, lapsing, trail, vault
from chatd.store.mass import audience, jobs
from chatd.store.removing import copies, forwarded
from chatd.store.reporting import filing, guests
from chatd.store.saying import flagged, held

Touched = Iterator[tuple[str, tuple[str, ...]]]

# In the order of locking; `$1` are tenants, then come the other parts of the keys.
LOCKS: Final[Mapping[str, str]] = {
    # Also for holds, and for all that may go only where there is none.
    "tenant": (
        "SELECT 1 FROM tenant t JOIN unnest($1::text[]) AS k(tenant)"
        " ON t.id = k.tenant ORDER BY t.id FOR NO KEY UPDATE OF t"
    ),
    "roster": (
        "SELECT 1 FROM roster r JOIN unnest($1::text[], $2::text[], $3::text[])"
        " AS k(tenant, kind, id)"
        " ON r.tenant = k.tenant AND r.kind = k.kind AND r.id = k.id"
        " ORDER BY r.tenant, r.kind, r.id FOR NO KEY UPDATE OF r"
    ),
    "conversation": (
        "SELECT 1 FROM conversation c JOIN unnest($1::text[], $2::text[])"
        " AS k(tenant, id) ON c.tenant = k.tenant AND c.id = k.id"
        " ORDER BY c.tenant, c.id FOR NO KEY UPDATE OF c"
    ),
    "person": (
        "SELECT 1 FROM person p JOIN unnest($1::text[], $2::text[])"
        " AS k(tenant, id) ON p.tenant = k.tenant AND p.id = k.id"
        " ORDER BY p.tenant, p.id FOR NO KEY UPDATE OF p"
    ),
    "own": (
        "SELECT 1 FROM conversation_person o"
        " JOIN unnest($1::text[], $2::text[], $3::text[])"
        " AS k(tenant, user_id, conversation_id) ON o.tenant = k.tenant"
        " AND o.user_id = k.user_id AND o.conversation_id = k.conversation_id"
        " ORDER BY o.tenant, o.user_id, o.conversation_id FOR NO KEY UPDATE OF o"
    ),
    "mass": (
        "SELECT 1 FROM mass_message j JOIN unnest($1::text[], $2::text[])"
        " AS k(tenant, id) ON j.tenant = k.tenant AND j.id = k.id"
        " ORDER BY j.tenant, j.id FOR NO KEY UPDATE OF j"
    ),
    # A message that is forwarded is not removed in that moment.
    "message": (
        "SELECT 1 FROM message m JOIN unnest($1::text[], $2::text[])"
        " AS k(tenant, id) ON m.tenant = k.tenant AND m.id = k.id"
        " ORDER BY m.tenant, m.id FOR NO KEY UPDATE OF m"
    ),
    # All rows with the same bytes: who takes the last one away has to know that it is.
    "file": (
        "SELECT 1 FROM attachment a WHERE (a.tenant, a.blob) IN"
        " (SELECT f.tenant, f.blob FROM attachment f"
        " JOIN unnest($1::text[], $2::text[]) AS k(tenant, id)"
        " ON f.tenant = k.tenant AND k.id IN (f.id, f.message_id))"
        " ORDER BY a.tenant, a.id FOR NO KEY UPDATE OF a"
    ),
    # The same of what is kept in the vault, and what there is of these bytes there.
    "kept_file": (
        "SELECT 1 FROM attachment a WHERE (a.tenant, a.blob) IN"
        " (SELECT v.tenant, v.blob FROM vault_file v"
        " JOIN unnest($1::text[], $2::text[]) AS k(tenant, id)"
        " ON v.tenant = k.tenant AND v.message_id = k.id)"
        " ORDER BY a.tenant, a.id FOR NO KEY UPDATE OF a"
    ),
    "kept": (
        "SELECT 1 FROM vault_file f WHERE (f.tenant, f.blob) IN"
        " (SELECT v.tenant, v.blob FROM vault_file v"
        " JOIN unnest($1::text[], $2::text[]) AS k(tenant, id)"
        " ON v.tenant = k.tenant AND v.message_id = k.id)"
        " ORDER BY f.tenant, f.id FOR NO KEY UPDATE OF f"
    ),
    # The end of a tenant's trail: whoever adds to it waits for the one before.
    "trail": (
        "SELECT 1 FROM audit_head h JOIN unnest($1::text[]) AS k(tenant)"
        " ON h.tenant = k.tenant ORDER BY h.tenant FOR NO KEY UPDATE OF h"
    ),
}


def _of_log(write: Any) -> Touched:
    yield "conversation", (write.conversation_id,)


def _message(write: messages.InsertMessage) -> Touched:
    yield from _of_log(write)
    yield "own", (write.author_id, write.conversation_id)
    for one in write.attached:
        yield "file", (one.copy_of or one.id,)


def _held(write: held.HoldMessage) -> Touched:
    message = write.message
    yield from _people((message.author_id,), message.conversation_id)
    for one in message.attached:
        yield "file", (one.copy_of or one.id,)


def _waiting(write: held.HoldEdit | held.RefuseHeld | held.DropHeld) -> Touched:
    yield from _people((write.author_id,), write.conversation_id)
    yield "file", (write.id,)
    if isinstance(write, held.DropHeld) and write.lapsed:
        yield "tenant", ()


def _removal(write: messages.RemoveMessage) -> Touched:
    yield from _of_log(write)
    yield "message", (write.id,)
    if write.for_good:
        yield "tenant", ()
    yield "file", (write.id,)


def _copies(write: copies.RemoveCopies) -> Touched:
    yield from _removal(write.removal)


def _taking(write: copies.TakeFiles) -> Touched:
    yield from _of_log(write)
    yield "file", (write.message_id,)


def _bytes(_write: object) -> Touched:
    """Rows that are deleted first, and whoever comes second finds none."""
    return iter(())


def _files(write: attachments.DropAttachments) -> Touched:
    for id_ in write.ids:
        yield "file", (id_,)


def _people(user_ids: Iterable[str], conversation_id: str) -> Touched:
    for user_id in user_ids:
        yield "person", (user_id,)
        yield "own", (user_id, conversation_id)


def _create(write: conversations.CreateConversation) -> Touched:
    yield from _people((one.user_id for one in write.members), write.id)


def _join(write: members.Join) -> Touched:
    yield from _of_log(write)
    yield from _people((one.user_id for one in write.members), write.conversation_id)


def _part(write: members.Part) -> Touched:
    yield from _of_log(write)
    yield from _people(write.user_ids, write.conversation_id)


def _personal(write: Any) -> Touched:
    yield from _people((write.user_id,), write.conversation_id)


def _permissions(write: personal.PermissionsMoved) -> Touched:
    yield from _people(write.user_ids, write.conversation_id)


def _person(write: people.PutPerson) -> Touched:
    yield "person", (write.id,)


def _user(write: Any) -> Touched:
    yield "person", (write.user_id,)


def _pair(write: SetContact | SetBlock) -> Touched:
    yield "person", (write.user_id,)
    yield "person", (write.other_id,)


def _reporter(write: filing.FileReport | filing.WithdrawReport) -> Touched:
    """Not the conversation: whoever writes there must not wait for a report of it."""
    yield "person", (write.reporter_id,)


def _filing(write: filing.FileReport) -> Touched:
    yield from _reporter(write)
    for one in write.attached:
        yield "file", (one.copy_of or one.id,)


def _purge(write: filing.PurgeReport) -> Touched:
    yield "file", (write.id,)


def _decision(write: filing.ResolveCase) -> Touched:
    for user_id in write.people:
        yield "person", (user_id,)


def _withdrawal(write: filing.WithdrawReport) -> Touched:
    yield from _reporter(write)
    for user_id in write.people:
        yield "person", (user_id,)


def _sent(write: jobs.PutMass | jobs.CancelMass) -> Touched:
    yield "mass", (write.id,)
    yield "person", (write.sender_id,)


def _taken(write: jobs.TakeMass) -> Touched:
    yield "mass", (write.id,)


def _delivered(write: jobs.DeliverMass) -> Touched:
    yield "mass", (write.id,)
    for user_id in (write.sender_id, *write.reached):
        yield "person", (user_id,)


def _roster(write: Any) -> Touched:
    yield "roster", (write.kind, write.id)


def _roster_member(write: Any) -> Touched:
    yield "roster", (write.kind, write.roster_id)
    yield from _user(write)


def _tenant(_write: object) -> Touched:
    yield "tenant", ()


def _nothing(_write: object) -> Touched:
    """A row of its own kind, which is the only one of its Change."""
    return iter(())


def _erasure(write: erasing.ErasePerson) -> Touched:
    for conversation_id in write.titled:
        yield "conversation", (conversation_id,)
    yield "person", (write.user_id,)


def _emptied(write: vault.EmptyVault) -> Touched:
    yield "tenant", ()
    for message_id, _ in write.places:
        yield "kept_file", (message_id,)
        yield "kept", (message_id,)


def _note(_write: trail.Note) -> Touched:
    yield "trail", ()


# `Any`: every function takes its own type of write, which is the key beside it.
TOUCHED: Final[Mapping[type, Callable[[Any], Touched]]] = {
    conversations.CreateConversation: _create,
    conversations.Rename: _of_log,
    conversations.SetState: _of_log,
    members.Join: _join,
    members.Part: _part,
    messages.InsertMessage: _message,
    messages.EditMessage: _of_log,
    messages.RemoveMessage: _removal,
    held.HoldMessage: _held,
    held.HoldEdit: _waiting,
    held.RefuseHeld: _waiting,
    held.DropHeld: _waiting,
    flagged.FlagMessage: _bytes,
    copies.RemoveCopies: _copies,
    copies.TakeFiles: _taking,
    forwarded.RemoveForwarded: _bytes,
    attachments.DoomBlob: _bytes,
    attachments.PutAttachment: _bytes,
    attachments.DropAttachments: _files,
    attachments.ForgetBlobs: _bytes,
    search.IndexBacklog: _bytes,
    people.PutPerson: _person,
    people.EndSessions: _user,
    personal.MoveRead: _personal,
    personal.MarkUnread: _personal,
    personal.SetMarks: _personal,
    personal.Hide: _personal,
    personal.HideMessage: _personal,
    personal.SetPreferences: _user,
    personal.PermissionsMoved: _permissions,
    SetContact: _pair,
    SetBlock: _pair,
    filing.FileReport: _filing,
    filing.WithdrawReport: _withdrawal,
    filing.ResolveCase: _decision,
    filing.PurgeReport: _purge,
    guests.EnterAsGuest: _personal,
    guests.LeaveAsGuest: _personal,
    audience.PutOrganisation: _bytes,
    jobs.PutMass: _sent,
    jobs.TakeMass: _taken,
    jobs.DeliverMass: _delivered,
    jobs.CancelMass: _sent,
    rosters.PutRoster: _roster,
    rosters.RemoveRoster: _roster,
    rosters.PutRosterMember: _roster_member,
    rosters.RemoveRosterMember: _roster_member,
    tenants.PutTenant: _tenant,
    tenants.PutPolicy: _tenant,
    trail.Note: _note,
    holds.SetHold: _tenant,
    holds.LiftHold: _nothing,
    holds.Unheld: _tenant,
    vault.EmptyVault: _emptied,
    lapsing.Claim: _nothing,
    lapsing.SetPurged: _of_log,
    erasing.ErasePerson: _erasure,
}


def touched(change: Change) -> set[tuple[str, tuple[str, ...]]]:
    """The rows: (kind of `LOCKS`, key with the tenant in front)."""
    rows = {
        (kind, (change.tenant, *key))
        for write in change.writes
        for kind, key in TOUCHED[type(write)](write)
    }
    for guard in change.guards:
        # Nothing else orders a course's conversation and the course's people.
        if guard.noun == "roster":
            rows.add(("roster", (change.tenant, *guard.id.split(":", 1))))
        if guard.noun == "message":
            rows.add(("message", (change.tenant, guard.id)))
    return rows


async def lock(tx: PostgresTransaction, changes: Iterable[Change]) -> None:
    """Lock what these Changes write; what is not there yet cannot be."""
    keys: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for change in changes:
        for kind, key in touched(change):
            keys[kind].add(key)
    for kind in LOCKS:
        if kind in keys:
            await tx.all(LOCKS[kind], *map(list, zip(*keys[kind], strict=True)))
