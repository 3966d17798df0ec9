"""If these fail, a person who was erased is still there, or somebody else is not.

MOO-91: erasure covers messages, contacts, blocks, deletions and preferences.
"""

from pathlib import Path
from typing import Any

import pytest

from chatd.actions import forwarding, members, messages, paging
from chatd.actions.content.sweeping import Sweeper
from chatd.actions.directory import policies
from chatd.actions.keeping import erasing, holds, purging, vault
from chatd.actions.reporting import reviewing
from chatd.actions.starting import start as starting
from chatd.domain.announcements import Hinted
from chatd.store import people
from chatd_protocol.chat.http.keeping import (
    DeleteHold,
    ErasedPerson,
    EraseUser,
    ListVault,
    PutHold,
)
from chatd_protocol.chat.policy import PutPolicy
from chatd_protocol.chat.reporting.reports import Report, ResolveReport
from chatd_protocol.chat.requests import (
    DeleteMessage,
    EditMessage,
    FirstMessage,
    ForwardMessage,
    ListMessages,
    ListParticipants,
    Recipient,
    StartConversation,
)
from tests.actions.deeds import look, refused, report, send, start, who
from tests.actions.keeping.trailing import ADMIN, LEAD, noted
from tests.actions.uploads import give, lying_in, upload
from tests.support.files import files_at
from tests.support.house import TENANT, House

ERASE = EraseUser(user_id="sue")


async def texts(school: House, reader: str, conversation: str) -> list[str | None]:
    asked = ListMessages(conversation_id=conversation)
    page = await paging.page(school.context, who(reader), asked)
    return [one.text for one in page.messages]


async def test_own_words_go_and_others_stay(
    school: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A class would lose its conversation, or go on reading what was to be erased."""
    monkeypatch.setattr(purging, "AT_ONCE", 3)
    group = await start(school, "anna", "sue", "tom", title="Choir")
    direct = await start(school, "sue", "tom")
    for number in range(5):
        await send(school, "sue", group.id, f"by sue {number}")
    mine = await send(school, "tom", group.id, "by tom")
    said = await send(school, "sue", direct.id, "only to tom")
    on = ForwardMessage(
        message_id=said.id, conversation_id=group.id, client_message_id="f"
    )
    await forwarding.forward(school.context, who("tom"), on)
    edit = EditMessage(message_id=said.id, text="only to tom!")
    await messages.edit(school.context, who("sue"), edit)
    school.announced.clear()
    done = await erasing.erase(school.context, ADMIN, ERASE)
    assert done == ErasedPerson(user_id="sue", messages=7)
    kept = [one for one in await texts(school, "tom", group.id) if one is not None]
    assert kept == ["by tom"]
    assert mine.text == "by tom"
    assert set(await texts(school, "tom", direct.id)) == {None}
    asked = ListParticipants(conversation_id=direct.id)
    page = await members.page(school.context, who("tom"), asked)
    assert {one.id: one.name for one in page.participants} == {"tom": "Tom", "sue": ""}
    assert any(isinstance(one, Hinted) for one in school.announced)
    assert ("lms", "person.erased", "sue") in await noted(school)
    # Once more does no harm, and notes that it was asked for.
    assert (await erasing.erase(school.context, ADMIN, ERASE)).messages == 0


async def test_files_go_with_their_bytes(school: House, tmp_path: Path) -> None:
    """Photos would be left on the disk, sent or not, and in what others forwarded."""
    files = files_at(tmp_path / "files")
    talk = await start(school, "sue", "tom")
    for name in ("sent.txt", "unsent.txt"):
        one = await upload(school, files, "sue", name.encode(), name)
        if name == "sent.txt":
            sent = await give(school, "sue", talk.id, one.id, text="look")
    other = await start(school, "tom", "uma")
    on = ForwardMessage(
        message_id=sent.id, conversation_id=other.id, client_message_id="f"
    )
    await forwarding.forward(school.context, who("tom"), on)
    toms = await upload(school, files, "tom", b"toms", "toms.txt")
    await give(school, "tom", talk.id, toms.id)
    await erasing.erase(school.context, ADMIN, ERASE)
    await Sweeper(school.context, files.depot).sweep()
    assert [one.read_bytes() for one in lying_in(tmp_path / "files")] == [b"toms"]


@pytest.mark.parametrize("about", ["person", "conversation"])
async def test_a_hold_stops_it(school: House, about: str) -> None:
    """Whoever is being looked into would ask to be forgotten first."""
    talk = await start(school, "sue", "tom")
    await send(school, "sue", talk.id, "evidence")
    on = {"user_id": "sue"} if about == "person" else {"conversation_id": talk.id}
    await holds.put(school.context, LEAD, PutHold(name="case", **on))
    await refused("legal_hold", erasing.erase(school.context, ADMIN, ERASE))
    assert await texts(school, "tom", talk.id) == ["evidence"]
    person = await school.context.store.read(people.get, TENANT, "sue")
    assert person is not None
    assert person.active
    await holds.lift(school.context, LEAD, DeleteHold(name="case"))
    await erasing.erase(school.context, ADMIN, ERASE)
    assert await texts(school, "tom", talk.id) == [None]


async def test_nobody(school: House) -> None:
    """An erasure that missed its person would be reported as done."""
    nobody = EraseUser(user_id="nobody")
    await refused("not_found", erasing.erase(school.context, ADMIN, nobody))
    elsewhere = who("lms", "other", "admin")
    await refused("not_found", erasing.erase(school.context, elsewhere, ERASE))


async def test_the_same_file_in_many_talks(school: House, tmp_path: Path) -> None:
    """Whoever sent a file to several at once could never be erased."""
    files = files_at(tmp_path / "files")
    one = await upload(school, files, "anna")
    request = StartConversation(
        recipients=(
            Recipient(kind="user", id="sue"),
            Recipient(kind="user", id="tom"),
        ),
        client_request_id="many",
        mode="individual",
        message=FirstMessage(attachment_ids=(one.id,)),
    )
    await starting.start(school.context, who("anna"), request)
    ask = EraseUser(user_id="anna")
    done = await erasing.erase(school.context, ADMIN, ask)
    assert done.messages == 3
    await Sweeper(school.context, files.depot).sweep()
    assert lying_in(tmp_path / "files") == []


async def test_what_is_kept_meanwhile_goes_too(
    school: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A report or a removal in the minutes of an erasure would keep the words."""
    talk = await start(school, "sue", "tom")
    said = [await send(school, "sue", talk.id, f"secret {n}") for n in range(4)]
    policy = PutPolicy(tenant_id=TENANT, policy={"retainRemovedDays": 30})
    await policies.put(school.context, school.platform, policy)
    monkeypatch.setattr(purging, "AT_ONCE", 1)
    remove = erasing._remove_some
    calls: list[Report] = []

    async def meanwhile(*args: Any) -> int:
        if not calls:
            calls.append(await report(school, "tom", said[3].id))
            await look(school, "anna", calls[0].id)
            delete = ResolveReport(
                report_id=calls[0].id, decision="removed", remove_message=True
            )
            await reviewing.resolve(school.context, who("anna"), delete)
        return await remove(*args)

    monkeypatch.setattr(erasing, "_remove_some", meanwhile)
    await erasing.erase(school.context, ADMIN, ERASE)
    monkeypatch.undo()
    seen = await look(school, "anna", calls[0].id)
    assert "secret" not in repr(seen)
    kept = await vault.page(school.context, LEAD, ListVault())
    assert kept.messages == ()


async def test_words_that_others_forwarded_and_removed(school: House) -> None:
    """What was erased could be read in the vault, under another one's name."""
    policy = PutPolicy(tenant_id=TENANT, policy={"retainRemovedDays": 30})
    await policies.put(school.context, school.platform, policy)
    talk = await start(school, "sue", "tom")
    said = await send(school, "sue", talk.id, "a secret")
    other = await start(school, "tom", "uma")
    on = ForwardMessage(
        message_id=said.id, conversation_id=other.id, client_message_id="f"
    )
    copy = await forwarding.forward(school.context, who("tom"), on)
    delete = DeleteMessage(message_id=copy.id)
    await messages.delete(school.context, who("tom"), delete)
    kept = await vault.page(school.context, LEAD, ListVault())
    assert [one.text for one in kept.messages] == ["a secret"]
    await erasing.erase(school.context, ADMIN, ERASE)
    assert (await vault.page(school.context, LEAD, ListVault())).messages == ()
