"""The same words to many people, each in a conversation of one's own (ITS-21, ITS-22).

Every recipient has a direct conversation with the sender, an old or a new one, and can
answer there. The sender has one entry for it all, "Sent to X people"; of the direct
conversations only those are listed in which there is more than that one message.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from chatd.actions.basis.facts import Place
from chatd.actions.starting.wanting import Wanted, said_in
from chatd.domain.conversations import direct_key
from chatd.domain.people import Caller
from chatd.ids import new_id
from chatd.store.change import Change, Guard, Write
from chatd.store.conversations import CreateConversation
from chatd.store.members import NewMember
from chatd.store.messages import InsertMessage
from chatd.store.personal import Hide


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


def change(
    caller: Caller, wanted: Wanted, found: Addressed, version: int, now_ms: int
) -> Change:
    """All of it in one Change: everybody is written to, or nobody.

    `version` is that of the caller's own facts.
    """
    guards = {Guard("person", caller.user_id, version)}
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
    entry = new_id()
    alone = (NewMember(caller.user_id),)
    # First the entry: the files of the others are copies of its own.
    first: tuple[Write, ...] = (
        CreateConversation(
            entry, "mass", wanted.title, caller.user_id, alone, sent_to=len(ids)
        ),
        # Nobody but the sender reads it here: there is nothing to hold back.
        *said_in(replace(found.first, screened=None), entry),
    )
    return Change(
        caller.tenant,
        now_ms,
        (*first, *writes),
        tuple(guards),
        key=wanted.key,
        result={
            "conversationId": entry,
            "individual": ids,
            "refused": dict(found.refused),
        },
    )
