"""Conversations with a past, made from a short script, for the replica's tests."""

from chatd_protocol.chat.events import (
    ConversationRenamed,
    Event,
    LogEvent,
    MessageCreated,
    MessageEdited,
    MessageRemoved,
    ParticipantsAdded,
    ParticipantsRemoved,
)
from chatd_protocol.chat.objects import (
    Conversation,
    ConversationFacts,
    Message,
    Participant,
    Person,
    PersonName,
    Preferences,
    Removal,
    Unread,
)
from chatd_protocol.chat.results import ConversationEvents, Me, Synced

ME = "me"
NAMES = {ME: "Me", "anna": "Anna", "ben": "Ben"}
EPOCH = "epoch-1"


def at(seq: int) -> str:
    return f"2026-01-01T00:{seq // 60:02}:{seq % 60:02}.000Z"


def me(personal_seq: int = 0, epoch: str = EPOCH) -> Me:
    return Me(
        person=Person(id=ME, name="Me", roles=("teacher",), tenant="demo"),
        preferences=Preferences(enter_sends=True),
        features=(),
        limits={},
        personal_seq=personal_seq,
        epoch=epoch,
    )


def conversation(
    name: str = "c1", *, head_seq: int = 0, **changed: object
) -> Conversation:
    members: dict = {
        "id": name,
        "kind": "group",
        "title": "Physics",
        "state": "open",
        "participant_count": 3,
        "head_seq": head_seq,
        "created_at": at(0),
        "last_activity_at": at(0),
        "unread": Unread(count=0, marked=False),
        "read_seq": head_seq,
        "resume_seq": head_seq,
        "muted": False,
        "starred": False,
        "archived": False,
        "member": True,
        "denied": {},
    }
    return Conversation(**(members | changed))


def message(
    seq: int, author: str = "anna", text: str = "hi", **changed: object
) -> Message:
    members: dict = {
        "id": f"m{seq}",
        "conversation_id": "c1",
        "seq": seq,
        "kind": "text",
        "author": PersonName(id=author, name=NAMES[author]),
        "created_at": at(seq),
        "text": text,
    }
    return Message(**(members | changed))


def said(
    seq: int, author: str = "anna", text: str = "hi", name: str = "c1"
) -> LogEvent:
    return MessageCreated(
        conversation_id=name,
        seq=seq,
        at=at(seq),
        message=message(seq, author, text, conversation_id=name),
    )


def edited(seq: int, of: Message, text: str = "edited") -> LogEvent:
    changed = message(of.seq, of.author.id, text, edited_at=at(seq))
    return MessageEdited(conversation_id="c1", seq=seq, at=at(seq), message=changed)


def removed(seq: int, of: Message) -> LogEvent:
    gone = Removal(at=at(seq), notice="removed_by_author")
    changed = message(of.seq, of.author.id, text=None, removed=gone)  # type: ignore[arg-type]
    return MessageRemoved(conversation_id="c1", seq=seq, at=at(seq), message=changed)


def renamed(seq: int, facts: ConversationFacts, title: str) -> LogEvent:
    fields = {
        name: getattr(facts, name) for name in ConversationFacts.__struct_fields__
    }
    changed = ConversationFacts(**(fields | {"title": title, "head_seq": seq}))
    return ConversationRenamed(
        conversation_id="c1", seq=seq, at=at(seq), conversation=changed
    )


def joined(seq: int, user_id: str, count: int) -> LogEvent:
    person = Participant(id=user_id, name=NAMES[user_id], role="member")
    return ParticipantsAdded(
        conversation_id="c1",
        seq=seq,
        at=at(seq),
        participants=(person,),
        count=1,
        participant_count=count,
    )


def parted(seq: int, user_id: str, count: int) -> LogEvent:
    return ParticipantsRemoved(
        conversation_id="c1",
        seq=seq,
        at=at(seq),
        user_ids=(user_id,),
        count=1,
        participant_count=count,
    )


def history(script: list[str]) -> list[LogEvent]:
    """A log of one event for each word of the script, its positions from 1.

    Edits and removals take the latest message that is there.
    """
    log: list[LogEvent] = []
    there: list[Message] = []
    facts, count = conversation(), 3
    for seq, deed in enumerate(script, start=1):
        if deed in {"edit", "remove"} and not there:
            deed = "anna"
        match deed:
            case "edit":
                log.append(edited(seq, there[-1], f"edited at {seq}"))
            case "remove":
                log.append(removed(seq, there.pop()))
            case "rename":
                last = there[-1] if there else None
                told = conversation(head_seq=seq, last_message=last)
                log.append(renamed(seq, told, f"title {seq}"))
            case "join":
                count += 1
                log.append(joined(seq, "ben", count))
            case "part":
                count -= 1
                log.append(parted(seq, "ben", count))
            case author:
                log.append(said(seq, author, f"text {seq}"))
                there.append(message(seq, author, f"text {seq}"))
    assert facts.participant_count == 3
    return log


def synced(
    *rows: ConversationEvents,
    personal: tuple = (),
    more: bool = False,
    epoch: str = EPOCH,
) -> Synced:
    highest = max((row.personal_seq for row in personal), default=0)
    return Synced(
        epoch=epoch,
        personal_seq=highest,
        personal=personal,
        conversations=rows,
        more=more,
    )


def missed(
    log: list[LogEvent], after: int = 0, head: int | None = None
) -> ConversationEvents:
    """What `Sync` says of a log: its events after a position."""
    events = tuple(event for event in log if event.seq > after)
    last = log[-1].seq if log else 0
    return ConversationEvents(
        conversation_id="c1", events=events, head_seq=last if head is None else head
    )


__all__ = ["Event"]
