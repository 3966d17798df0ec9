import pytest

from chatd.domain.conversations import ConversationRecord, direct_key
from chatd.store import conversations
from chatd.store.change import Moved
from chatd.store.conversations import STATE_AFTER, CreateConversation, Rename, SetState
from chatd.store.members import NewMember
from tests.store.shelf import TENANT, Shelf


async def record(shelf: Shelf, id_: str = "talk") -> ConversationRecord:
    found = await shelf.store.read(conversations.record, TENANT, id_)
    assert found is not None
    return found


async def test_created(shelf: Shelf) -> None:
    """A conversation would begin other than it was asked for."""
    got = await record(shelf)
    assert got == ConversationRecord(
        id="talk",
        kind="group",
        state="open",
        title="Talk",
        version=1,
        head_seq=1,
        participant_count=3,
        created_by="ada",
        created_at_ms=shelf.clock.at_ms,
        last_activity_ms=shelf.clock.at_ms,
    )
    assert await shelf.store.read(conversations.record, TENANT, "no such") is None


async def test_two_people_have_one_direct_conversation(shelf: Shelf) -> None:
    """Two who write to each other at once would get two conversations (MOO-31)."""

    def start(id_: str, one: str, other: str) -> CreateConversation:
        seats = (NewMember(one), NewMember(other))
        key = direct_key(one, other)
        return CreateConversation(id_, "direct", "", one, seats, direct_key=key)

    await shelf.write(start("first", "ada", "ben"))
    with pytest.raises(Moved):
        await shelf.write(start("second", "ben", "ada"))
    key = direct_key("ada", "ben")
    assert await shelf.store.read(conversations.direct, TENANT, key) == "first"
    nobody = direct_key("ada", "eve")
    assert await shelf.store.read(conversations.direct, TENANT, nobody) is None


async def test_a_roster_has_one_living_conversation(shelf: Shelf) -> None:
    """A course would have two rooms, or none after its room was deleted."""

    def follow(id_: str) -> CreateConversation:
        return CreateConversation(
            id_, "course", "Maths", None, (), roster_kind="course", roster_id="math"
        )

    async def living() -> str | None:
        return await shelf.store.read(conversations.of_roster, TENANT, "course", "math")

    assert await living() is None
    await shelf.write(follow("first"))
    with pytest.raises(Moved):
        await shelf.write(follow("second"))
    assert await living() == "first"
    await shelf.write(SetState("first", "conversation.deleted", None))
    assert await living() is None
    await shelf.write(follow("second"))
    assert await living() == "second"


async def test_renamed(shelf: Shelf) -> None:
    """A new title would not be shown, or be taken for a change of who may what."""
    assert (await shelf.write(Rename("talk", "Other", "ben"))).seqs == (2,)
    got = await record(shelf)
    assert (got.title, got.version, got.head_seq) == ("Other", 1, 2)


@pytest.mark.parametrize("kind", STATE_AFTER)
async def test_states(shelf: Shelf, kind: str) -> None:
    """People would go on writing in a conversation that was closed."""
    await shelf.write(SetState("talk", kind, "ada"))
    got = await record(shelf)
    assert (got.state, got.version) == (STATE_AFTER[kind], 2)
