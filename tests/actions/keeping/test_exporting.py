"""If these fail, a person gets less than their own, or what is others' (MOO-91)."""

from pathlib import Path

from chatd.actions import conversations, members, messages
from chatd.actions.between import blocks
from chatd.actions.keeping import exporting
from chatd_protocol.chat import requests
from chatd_protocol.chat.http.keeping import ExportLine, ExportUser
from chatd_protocol.chat.social import people
from tests.actions.deeds import send, start, who
from tests.actions.keeping.trailing import ADMIN, noted
from tests.actions.uploads import upload
from tests.support.files import files_at
from tests.support.house import House


async def export(school: House, user_id: str = "sue") -> list[ExportLine]:
    asked = ExportUser(user_id=user_id)
    return [one async for one in exporting.export(school.context, ADMIN, asked)]


def said(lines: list[ExportLine], *, own: bool) -> list[str]:
    return sorted(
        str(one.message.text)
        for one in lines
        if one.message is not None and one.own is own
    )


async def test_everything_of_a_persons_own(school: House, tmp_path: Path) -> None:
    """A person could not see what is kept about them."""
    talk = await start(school, "anna", "sue", "tom", title="Choir")
    await send(school, "sue", talk.id, "mine")
    await send(school, "tom", talk.id, "his")
    draft = requests.SetConversationPreferences(conversation_id=talk.id, draft="half")
    await conversations.set_preferences(school.context, who("sue"), draft)
    await upload(school, files_at(tmp_path / "files"), "sue", name="unsent.txt")
    lines = await export(school)
    kinds = [one.kind for one in lines]
    assert kinds[:2] == ["person", "upload"]
    assert lines[0].user is not None
    assert (lines[0].user.id, lines[0].user.name) == ("sue", "Sue")
    assert lines[0].preferences is not None
    (own,) = [one for one in lines if one.kind == "conversation"]
    assert own.conversation is not None
    assert (own.conversation.title, own.conversation.draft) == ("Choir", "half")
    assert [(one.joined_seq, one.left_seq) for one in own.stays or ()] == [(1, None)]
    assert (said(lines, own=True), said(lines, own=False)) == (["mine"], ["his"])
    assert await noted(school) == [("lms", "person.exported", "sue")]


async def test_of_others_only_what_the_person_sees(school: House) -> None:
    """An export would be a way to read what one may not (GDPR, article 15(4))."""
    talk = await start(school, "anna", "sue", "tom", title="Choir")
    await send(school, "sue", talk.id, "mine")
    gone = await send(school, "tom", talk.id, "taken back")
    remove = requests.DeleteMessage(message_id=gone.id)
    await messages.delete(school.context, who("tom"), remove)
    leave = requests.RemoveParticipant(conversation_id=talk.id, user_id="sue")
    await members.remove(school.context, who("anna"), leave)
    await send(school, "tom", talk.id, "when she had left")
    private = await start(school, "anna", "tom")
    await send(school, "anna", private.id, "about her")
    lines = await export(school)
    assert (said(lines, own=True), said(lines, own=False)) == (["mine"], [])
    stays = [one.stays for one in lines if one.stays]
    assert [(s.joined_seq, s.left_seq) for (s,) in stays] == [(1, 5)]


async def test_contacts_and_blocks_of_the_persons_own(school: House) -> None:
    """Others' blocks would be told to those whom they are about."""
    block = people.BlockUser(user_id="tom")
    await blocks.block(school.context, who("sue"), block)
    back = people.BlockUser(user_id="sue")
    await blocks.block(school.context, who("uma"), back)
    found = [one.acquaintance for one in await export(school)]
    assert [(one.user_id, one.blocked) for one in found if one] == [("tom", True)]


async def test_many_messages(school: House) -> None:
    """An export would end after its first page."""
    talk = await start(school, "anna", "sue")
    for number in range(exporting.AT_ONCE + 5):
        await send(school, "sue", talk.id, f"{number}")
    assert len(said(await export(school), own=True)) == exporting.AT_ONCE + 5
    assert len(said(await export(school, "anna"), own=False)) == exporting.AT_ONCE + 5
