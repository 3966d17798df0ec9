"""If these fail, files are sent, shown or fetched by people who must not."""

from pathlib import Path

import pytest

from chatd.actions import members, messages
from chatd.actions.content import attachments
from chatd.actions.content.attachments import Files
from chatd.limits import Limits
from chatd.store.people import EndSessions, PutPerson
from chatd_protocol.chat.requests import (
    DeleteMessage,
    FirstMessage,
    RemoveParticipant,
    SendMessage,
)
from tests.actions.deeds import refused, send, start, who
from tests.actions.uploads import give, lying_in, sees, upload
from tests.support.files import files_at, picture
from tests.support.house import House, house


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return files_at(tmp_path / "files")


async def test_files_without_text(school: House, files: Files) -> None:
    """A photo could not be sent without a word (ITS-55 … 57, ITS-61)."""
    talk = await start(school, "anna", "sue")
    one = await upload(school, files, "anna")
    two = await upload(school, files, "anna", picture(), "me.png", alt="Me")
    sent = await give(school, "anna", talk.id, two.id, one.id)
    assert sent.text is None
    assert sent.attachments == (two, one)
    assert (two.width, two.height, two.thumbnail, two.alt) == (60, 40, True, "Me")
    assert (one.name, one.size, one.media_type) == ("notes.txt", 10, "text/plain")
    assert await sees(school, files, "sue", one.id) == b"some notes"


async def test_a_first_message_with_a_file(school: House, files: Files) -> None:
    """A conversation could not begin with a file."""
    one = await upload(school, files, "anna")
    first = FirstMessage(attachment_ids=(one.id,))
    talk = await start(school, "anna", "sue", message=first)
    assert talk.last_message is not None
    assert talk.last_message.attachments == (one,)


async def test_neither_text_nor_file(school: House) -> None:
    """Empty messages would be sent (ITS-62)."""
    talk = await start(school, "anna", "sue")
    await refused("invalid_request", send(school, "anna", talk.id, None))  # type: ignore[arg-type]


async def test_the_limit_is_inclusive(tmp_path: Path, files: Files) -> None:
    """20 MB would be refused, or a byte more be taken (ITS-58)."""
    async with house(tmp_path, Limits(attachment_bytes=200_000)) as school:
        await school.people("anna")
        most = await upload(school, files, "anna", b"x" * 200_000)
        assert most.size == 200_000
        error = await refused(
            "file_too_large", upload(school, files, "anna", b"x" * 200_001)
        )
    assert error.facts["limit"] == 200_000
    assert error.facts["name"] == "notes.txt"
    assert len(lying_in(tmp_path / "files")) == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("virus.exe", b"MZ\x90"),
        ("page.svg", b"<svg onload='x'>"),
        ("photo.png", b"<svg onload='x'>"),
        ("notes.txt", b"MZ\x90\0\0"),
        ("empty.png", b""),
    ],
)
async def test_unsupported_files(
    school: House, files: Files, tmp_path: Path, name: str, content: bytes
) -> None:
    """A file that may do harm would be taken, or its name not be said (ITS-59)."""
    error = await refused(
        "file_type_not_allowed", upload(school, files, "anna", content, name)
    )
    assert error.facts == {"name": name}
    assert lying_in(tmp_path / "files") == []


async def test_unsent_files_are_their_uploader_s(school: House, files: Files) -> None:
    """Somebody would read, or send, what another has not sent (section 6)."""
    talk = await start(school, "anna", "sue")
    one = await upload(school, files, "anna")
    assert await sees(school, files, "anna", one.id) == b"some notes"
    await refused("not_found", sees(school, files, "sue", one.id))
    await refused("invalid_request", give(school, "sue", talk.id, one.id))


async def test_a_file_is_sent_once(school: House, files: Files) -> None:
    """One upload would be in two conversations, with two sets of readers."""
    talk = await start(school, "anna", "sue")
    one = await upload(school, files, "anna")
    await refused("invalid_request", give(school, "anna", talk.id, one.id, one.id))
    await give(school, "anna", talk.id, one.id)
    error = await refused("invalid_request", give(school, "anna", talk.id, one.id))
    assert error.facts["errors"] == [
        {"pointer": "/attachmentIds/0", "code": "not_found"}
    ]


async def test_a_repeated_send_is_answered(school: House, files: Files) -> None:
    """A retry after a lost answer would be refused for a file that is sent."""
    talk = await start(school, "anna", "sue")
    one = await upload(school, files, "anna")
    request = SendMessage(
        conversation_id=talk.id, client_message_id="same", attachment_ids=(one.id,)
    )
    first = await messages.send(school.context, who("anna"), request)
    assert await messages.send(school.context, who("anna"), request) == first


async def test_too_many_files(school: House, files: Files) -> None:
    """One message could fill everybody's screen."""
    talk = await start(school, "anna", "sue")
    ids = [(await upload(school, files, "anna")).id for _ in range(11)]
    await refused("invalid_request", give(school, "anna", talk.id, *ids))
    assert len((await give(school, "anna", talk.id, *ids[:10])).attachments or ()) == 10


async def test_who_may_fetch(school: House, files: Files) -> None:
    """A stranger, or who was removed before, would get the file (fault 26)."""
    talk = await start(school, "anna", "sue", "tom")
    early = await upload(school, files, "anna")
    late = await upload(school, files, "anna", b"later")
    await give(school, "anna", talk.id, early.id)
    out = RemoveParticipant(conversation_id=talk.id, user_id="tom")
    await members.remove(school.context, who("anna"), out)
    await give(school, "anna", talk.id, late.id)
    assert await sees(school, files, "tom", early.id) == b"some notes"
    await refused("not_found", sees(school, files, "tom", late.id))
    await refused("not_found", sees(school, files, "uma", early.id))
    elsewhere = who("sue", "other")
    await refused("not_found", attachments.find(school.context, elsewhere, early.id))


@pytest.mark.parametrize("by", ["sue", "anna"])
async def test_a_removed_file(school: House, files: Files, by: str) -> None:
    """Somebody could still fetch what was removed (ITS-77)."""
    talk = await start(school, "sue", "tom", "anna")
    one = await upload(school, files, "sue")
    sent = await give(school, "sue", talk.id, one.id)
    gone = await messages.delete(
        school.context, who(by), DeleteMessage(message_id=sent.id)
    )
    assert gone.attachments is None
    for reader in ("sue", "tom", "anna"):
        await refused("not_found", sees(school, files, reader, one.id))


async def test_who_may_upload(school: House, files: Files) -> None:
    """Whose messaging is off could fill the disk."""
    await school.write(PutPerson("sue", "Sue", ("student",), messaging_disabled=True))
    await refused("messaging_disabled_sender", upload(school, files, "sue"))
    await refused("not_found", upload(school, files, "nobody"))


async def test_bounds_of_one_person(tmp_path: Path, files: Files) -> None:
    """One person could fill the disk with what is never sent (fault 29)."""
    limits = Limits(unclaimed_uploads=2, attachments_bytes_per_tenant=25)
    async with house(tmp_path, limits) as school:
        await school.people("anna", "sue")
        await upload(school, files, "anna")
        await upload(school, files, "anna")
        await refused("rate_limited", upload(school, files, "anna"))
        await refused("storage_full", upload(school, files, "sue"))


async def test_links(school: House, files: Files) -> None:
    """An image would not show, or its address outlive a minute or a right."""
    talk = await start(school, "anna", "sue", "tom")
    one = await upload(school, files, "anna", picture(), "me.png")
    await give(school, "anna", talk.id, one.id)
    made = await attachments.link(
        school.context, files, who("tom"), one.id, thumbnail=True
    )
    path, _, text = made.url.partition("?link=")
    assert path == f"/v1/attachments/{one.id}"
    opened = await attachments.follow(school.context, files, one.id, text)
    assert (opened.user_id, opened.thumbnail) == ("tom", True)
    await refused("not_found", attachments.follow(school.context, files, "other", text))
    school.clock.at_ms += 30_000
    await school.write(EndSessions("tom", school.clock.at_ms))
    await refused("not_found", attachments.follow(school.context, files, one.id, text))
    plain = await upload(school, files, "anna")
    await refused(
        "not_found",
        attachments.link(school.context, files, who("anna"), plain.id, thumbnail=True),
    )


async def test_copies_for_a_forward(school: House, files: Files) -> None:
    """A forwarded message would lose its files (ITS-42)."""
    talk = await start(school, "anna", "sue")
    one = await upload(school, files, "anna", alt="My notes")
    sent = await give(school, "anna", talk.id, one.id)
    chosen = await school.context.store.read(attachments.copies, "school", sent.id)
    assert [attach.copy_of for attach in chosen.attached] == [one.id]
    assert "My notes" in (chosen.shown_json or "")
    bare = await send(school, "anna", talk.id)
    nothing = await school.context.store.read(attachments.copies, "school", bare.id)
    assert nothing == attachments.Chosen()
