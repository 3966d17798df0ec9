"""If these fail, whoever looks into a case sees nothing, or looks without a trace."""

from pathlib import Path

import pytest

from chatd.actions import messages
from chatd.actions.content.attachments import Files
from chatd.actions.content.sweeping import Sweeper
from chatd.actions.directory import policies
from chatd.actions.keeping import vault
from chatd.store.tenants import PutTenant
from chatd_protocol.chat.http.keeping import GetKeptFile, ListEdits, ListVault
from chatd_protocol.chat.policy import PutPolicy
from chatd_protocol.chat.requests import DeleteMessage, EditMessage
from tests.actions.deeds import refused, send, start, who
from tests.actions.keeping.trailing import LEAD, noted
from tests.actions.uploads import give, upload
from tests.support.files import files_at, whole
from tests.support.house import TENANT, House


@pytest.fixture
async def keeping(school: House) -> House:
    """The school keeps for 30 days what was removed."""
    asked = PutPolicy(tenant_id=TENANT, policy={"retainRemovedDays": 30})
    await policies.put(school.context, school.platform, asked)
    return school


async def edit_and_remove(school: House) -> tuple[str, str]:
    talk = await start(school, "anna", "sue")
    sent = await send(school, "sue", talk.id, "first")
    school.clock.at_ms += 1000
    other = EditMessage(message_id=sent.id, text="second")
    await messages.edit(school.context, who("sue"), other)
    school.clock.at_ms += 1000
    gone = DeleteMessage(message_id=sent.id)
    await messages.delete(school.context, who("sue"), gone)
    return talk.id, sent.id


async def test_what_was_said_before(keeping: House) -> None:
    """A bully could take words back before anybody looks (section 1.7, decision 2)."""
    talk, message = await edit_and_remove(keeping)
    page = await vault.page(keeping.context, LEAD, ListVault(conversation_id=talk))
    assert [(one.why, one.text, one.taken_by) for one in page.messages] == [
        ("removed", "second", "sue"),
        ("edited", "first", "sue"),
    ]
    assert page.messages[0].said_at < page.messages[0].taken_at
    edits = await vault.edits(keeping.context, LEAD, ListEdits(message_id=message))
    assert [one.text for one in edits.messages] == ["first"]
    first = await vault.page(keeping.context, LEAD, ListVault(user_id="sue", limit=1))
    rest = ListVault(user_id="sue", limit=1, cursor=first.next)
    second = await vault.page(keeping.context, LEAD, rest)
    texts = [one.text for one in (*first.messages, *second.messages)]
    assert (texts, second.next) == (["second", "first"], None)
    nobody = await vault.page(keeping.context, LEAD, ListVault(user_id="anna"))
    assert nobody.messages == ()
    assert await noted(keeping, "vault.read", "message.edits_read") == [
        ("lead", "vault.read", TENANT),
        ("lead", "message.edits_read", message),
        *[("lead", "vault.read", TENANT)] * 3,
    ]


async def test_nothing_is_kept_by_default(school: House) -> None:
    """What was removed "permanently" could still be read by somebody (ITS-77)."""
    _, message = await edit_and_remove(school)
    page = await vault.page(school.context, LEAD, ListVault())
    edits = await vault.edits(school.context, LEAD, ListEdits(message_id=message))
    assert page.messages == edits.messages == ()


async def test_files_of_removed_messages(keeping: House, tmp_path: Path) -> None:
    """The picture that a case is about would be gone, or be anybody's to fetch."""
    files: Files = files_at(tmp_path / "files")
    talk = await start(keeping, "anna", "sue")
    one = await upload(keeping, files, "sue", b"evidence", "a.txt")
    sent = await give(keeping, "sue", talk.id, one.id)
    gone = DeleteMessage(message_id=sent.id)
    await messages.delete(keeping.context, who("sue"), gone)
    await Sweeper(keeping.context, files.depot).sweep()
    page = await vault.page(keeping.context, LEAD, ListVault())
    assert page.messages[0].attachments == (one,)
    asked = GetKeptFile(attachment_id=one.id)
    record = await vault.file(keeping.context, LEAD, asked)
    assert await whole(files.depot.read(record.blob)) == b"evidence"
    await keeping.write(PutTenant("Other", "itslearning"), tenant="other")
    elsewhere = who("lead", "other", "safeguarding")
    await refused("not_found", vault.file(keeping.context, elsewhere, asked))
    assert (await noted(keeping, "vault.read"))[-1] == ("lead", "vault.read", one.id)
