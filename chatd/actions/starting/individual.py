"""The same words to many people, each in a conversation of one's own (ITS-21, ITS-22).

Every recipient has a direct conversation with the sender, an old or a new one, and can
answer there. The sender has one entry for it all, "Sent to X people"; of the direct
conversations only those are listed in which there is more than that one message.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from chatd.actions.basis.facts import Place, places_now
from chatd.actions.starting.wanting import Wanted, also_to, said_in
from chatd.domain.conversations import direct_key
from chatd.domain.people import Caller
from chatd.ids import new_id
from chatd.store import conversations, people
from chatd.store.change import Change, Guard, Write
from chatd.store.conversations import CreateConversation
from chatd.store.members import NewMember
from chatd.store.messages import InsertMessage
from chatd.store.personal import Hide
from chatd.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Addressed:
    """Where each person is written to: in a place that there is, or in a new one.

    `versions` are those of the people with whom a conversation begins; `refused` holds
    whom the caller may not write to, with the reason's code. `first` is the message of
    the sender's entry, `copies` what each person gets.
    """

    places: Mapping[str, Place]
    versions: Mapping[str, int]
    refused: Mapping[str, str]
    first: InsertMessage
    copies: Mapping[str, InsertMessage]


async def addressed(
    tx: Transaction,
    caller: Caller,
    user_ids: Sequence[str],
    refused: Mapping[str, str],
    first: InsertMessage,
) -> Addressed:
    """Where each of the people is written to; what there is is judged as a reply.

    `refused` are those whom the caller could not write to first.
    """
    tenant, codes = caller.tenant, dict(refused)
    keys = {direct_key(caller.user_id, user_id): user_id for user_id in user_ids}
    places = {}
    existing = await conversations.directs(tx, tenant, list(keys))
    there = await places_now(tx, tenant, list(existing.values()), caller.user_id)
    for key, id_ in existing.items():
        place = there.get(id_)
        if place is None:
            continue
        user_id = keys[key]
        codes.pop(user_id, None)
        verdict = place.may("send")
        if verdict.allowed:
            places[user_id] = place
        else:
            codes[user_id] = verdict.code
    new = [id_ for id_ in user_ids if id_ not in places and id_ not in codes]
    known = await people.many(tx, tenant, new)
    versions = {id_: one.version for id_, one in known.items()}
    copies = await also_to(tx, tenant, first, [*places, *versions])
    return Addressed(places, versions, codes, first, copies)


@dataclass(frozen=True, slots=True)
class Copies:
    """What brings everybody a copy: `ids` are the conversations that they are in."""

    ids: tuple[str, ...]
    writes: tuple[Write, ...]
    guards: frozenset[Guard]


def copies(caller: Caller, found: Addressed) -> Copies:
    """Each person's copy in the direct conversation, which is made if there is none."""
    guards: set[Guard] = set()
    ids: list[str] = []
    writes: list[Write] = []
    for user_id, place in found.places.items():
        id_ = place.conversation.id
        ids.append(id_)
        guards.update(place.guards)
        writes += said_in(found.copies[user_id], id_)
    for user_id, known in found.versions.items():
        id_ = new_id()
        ids.append(id_)
        guards.add(Guard("person", user_id, known))
        both = (NewMember(caller.user_id), NewMember(user_id))
        key = direct_key(caller.user_id, user_id)
        writes += (
            CreateConversation(id_, "direct", "", caller.user_id, both, direct_key=key),
            *said_in(found.copies[user_id], id_),
            Hide(id_, caller.user_id),
        )
    return Copies(tuple(ids), tuple(writes), frozenset(guards))


def change(
    caller: Caller, wanted: Wanted, found: Addressed, version: int, now_ms: int
) -> Change:
    """All of it in one Change: everybody is written to, or nobody.

    `version` is that of the caller's own facts.
    """
    each, entry = copies(caller, found), new_id()
    alone = (NewMember(caller.user_id),)
    # First the entry: the files of the others are copies of its own.
    first: tuple[Write, ...] = (
        CreateConversation(
            entry, "mass", wanted.title, caller.user_id, alone, sent_to=len(each.ids)
        ),
        # Nobody but the sender reads it here: there is nothing to hold back.
        *said_in(replace(found.first, screened=None), entry),
    )
    return Change(
        caller.tenant,
        now_ms,
        (*first, *each.writes),
        tuple({Guard("person", caller.user_id, version), *each.guards}),
        key=wanted.key,
        result={
            "conversationId": entry,
            "individual": list(each.ids),
            "refused": dict(found.refused),
        },
    )
