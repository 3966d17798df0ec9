"""If these fail, reports are lost, doubled, or seen where they must not be."""

import asyncio
from typing import Any

import asyncpg
import pytest

from chatd.domain.announcements import PersonalMoved
from chatd.store import conversations
from chatd.store.change import AlreadyDone, Moved
from chatd.store.effects import Effects
from chatd.store.engine.postgres.connections import PostgresTransaction
from chatd.store.reporting import filing, reading
from chatd.store.reporting.filing import (
    FileReport,
    PurgeReport,
    ResolveCase,
    WithdrawReport,
)
from chatd.store.reporting.reading import Queue
from chatd.store.upkeep.erasures import Erasure, erase_again
from tests.store.shelf import TENANT, Shelf


def filed(
    id_: str, reporter: str, message: str | None = "m", **more: str
) -> FileReport:
    return FileReport(
        id=id_,
        case_id=f"case-{id_}",
        reporter_id=reporter,
        conversation_id="club",
        message_id=message,
        author_id="tom" if message else None,
        destination=more.get("destination", "anna"),
        reason="other",
        text="canary words",
        evidence_json='[{"canary": "evidence"}]',
    )


@pytest.fixture
async def talk(shelf: Shelf) -> Shelf:
    await shelf.people("anna", "ben", "sue", "tom", "uma")
    await shelf.talk("club", "sue", "tom", "uma")
    await shelf.say("tom", to="club")
    shelf.batches.clear()
    return shelf


async def test_nothing_of_the_conversation_moves(talk: Shelf) -> None:
    """Everybody in it would be told that something has happened (ITS-86)."""
    before = await talk.store.read(conversations.record, TENANT, "club")
    await talk.write(filed("r1", "sue"))
    await talk.write(filed("r2", "uma"))
    await talk.write(ResolveCase("case-r1", "club", "warned", "note", "anna"))
    assert await talk.store.read(conversations.record, TENANT, "club") == before
    assert {type(one) for one in talk.announced} == {PersonalMoved}
    assert {one.user_id for one in talk.announced} == {"sue", "uma"}  # type: ignore[union-attr]


async def test_reports_of_one_thing_are_one_case(talk: Shelf) -> None:
    """A queue would be as long as a class is large."""
    await talk.write(filed("r1", "sue"))
    await talk.write(filed("r2", "uma"))
    await talk.write(filed("r3", "uma", None))
    await talk.write(filed("r4", "uma", destination="ben"))
    rows = await talk.store.read(
        reading.queue, TENANT, Queue("anna"), state="open", before=None, limit=9
    )
    assert [(one.case_id, one.id) for one in rows] == [
        ("case-r3", "r3"),
        ("case-r1", "r1"),
    ]
    with pytest.raises(AlreadyDone) as again:
        await talk.write(filed("r5", "uma"))
    assert again.value.result == {"reportId": "r2"}


async def test_a_case_ends_with_its_last_report(talk: Shelf) -> None:
    """One child's change of mind would end what another has reported (ITS-87)."""
    await talk.write(filed("r1", "sue"))
    await talk.write(filed("r2", "uma"))
    with pytest.raises(Moved):
        await talk.write(WithdrawReport("r1", "case-r1", "uma", "club"))
    await talk.write(WithdrawReport("r1", "case-r1", "sue", "club"))
    whose = Queue("anna")
    page: dict[str, Any] = {"state": "open", "before": None, "limit": 9}
    (row,) = await talk.store.read(reading.queue, TENANT, whose, **page)
    assert row.id == "r2"
    await talk.write(WithdrawReport("r2", "case-r1", "uma", "club"))
    assert await talk.store.read(reading.queue, TENANT, whose, **page) == []
    await talk.write(filed("r3", "sue"))
    (row,) = await talk.store.read(reading.queue, TENANT, whose, **page)
    assert row.case_id == "case-r3"


async def test_a_decision_is_made_once(talk: Shelf) -> None:
    """Two who decide at once would both believe that theirs holds."""
    await talk.write(filed("r1", "sue"))
    await talk.write(ResolveCase("case-r1", "club", "warned", None, "anna"))
    for late in (
        ResolveCase("case-r1", "club", "noAction", None, "ben"),
        WithdrawReport("r1", "case-r1", "sue", "club"),
    ):
        with pytest.raises(Moved):
            await talk.write(late)
    found = await talk.store.read(reading.many, TENANT, ["r1"])
    assert (found["r1"].state, found["r1"].decision) == ("resolved", "warned")
    assert found["r1"].resolved_by == "anna"


async def test_a_purge_leaves_no_word(talk: Shelf) -> None:
    """What a school must not keep any longer would still be there."""
    await talk.write(filed("r1", "sue"))
    await talk.write(ResolveCase("case-r1", "club", "warned", "canary", "anna"))
    await talk.write(PurgeReport("r1"))
    found = (await talk.store.read(reading.many, TENANT, ["r1"]))["r1"]
    kept = await talk.store.read(reading.evidence, TENANT, "case-r1", 9)
    assert (found.text, found.note, kept) == (None, None, [])
    assert found.decision == "warned"


@pytest.mark.engines("sqlite")
async def test_a_restored_backup_does_not_bring_it_back(talk: Shelf) -> None:
    """What had to go would be there again after the next restore."""
    await talk.write(filed("r1", "sue"))
    noted = Erasure(TENANT, "report", "r1", {}, 1)
    assert await erase_again(talk.store, [noted]) == 1
    assert await talk.store.read(reading.evidence, TENANT, "case-r1", 9) == []


@pytest.mark.engines("postgres")
async def test_a_report_in_the_moment_of_a_decision(talk: Shelf) -> None:
    """It would be in a case that is closed: in no queue, and never answered."""
    await talk.write(filed("r1", "sue"))
    link = await asyncpg.connect(talk.url)
    try:
        await link.execute("BEGIN")
        effects = Effects(TENANT, talk.clock.at_ms)
        await filing.file(PostgresTransaction(link), effects, filed("r2", "uma"))
        decision = ResolveCase("case-r1", "club", "warned", None, "anna")
        decided = asyncio.create_task(talk.write(decision))
        done, _ = await asyncio.wait({decided}, timeout=0.3)
        await link.execute("COMMIT")
        await decided
        assert done == set(), "it waits for who is about to report"
    finally:
        await link.close()
    found = await talk.store.read(reading.many, TENANT, ["r1", "r2"])
    assert {one.case_id for one in found.values()} == {"case-r1"}
    assert {one.state for one in found.values()} == {"resolved"}
