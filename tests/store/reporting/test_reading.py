"""If these fail, reports are shown to the wrong people, or not found at all."""

from typing import Any

import pytest

from chatd.store.people import PutPerson
from chatd.store.reporting import reading
from chatd.store.reporting.filing import ResolveCase
from chatd.store.reporting.reading import Queue
from chatd.store.rosters import PutRoster, PutRosterMember
from tests.store.reporting.test_filing import filed, talk
from tests.store.shelf import TENANT, Shelf

__all__ = ["talk"]
PAGE: dict[str, Any] = {"state": None, "before": None, "limit": 9}


@pytest.mark.parametrize(
    ("whose", "expected"),
    [
        (Queue("anna"), ["case-r1"]),
        (Queue("anna", central=True), ["case-r2", "case-r1"]),
        (Queue("lead", everything=True), ["case-r3", "case-r2", "case-r1"]),
        # Whoever wrote it does not see it, whatever else he may see.
        (Queue("tom", central=True), []),
        (Queue("tom", everything=True), []),
    ],
)
async def test_whose_queue_holds_what(
    talk: Shelf, whose: Queue, expected: list[str]
) -> None:
    """Somebody would read reports that went to others, or that are about himself."""
    await talk.write(filed("r1", "sue"))
    await talk.write(filed("r2", "sue", destination=""))
    await talk.write(filed("r3", "sue", destination="ben"))
    rows = await talk.store.read(reading.queue, TENANT, whose, **PAGE)
    assert [one.case_id for one in rows] == expected
    assert await talk.store.read(reading.queue, "other", whose, **PAGE) == []


async def test_a_report_is_found_by_its_id_and_by_its_case_s(talk: Shelf) -> None:
    """What the queue lists, or what came in a message, could not be opened."""
    await talk.write(filed("r1", "sue"))
    await talk.write(filed("r2", "uma"))
    for id_, expected in (("case-r1", "r1"), ("r1", "r1"), ("r2", "r2")):
        found = await talk.store.read(reading.by_id, TENANT, id_)
        assert found is not None
        assert (found.id, found.case_id) == (expected, "case-r1")
    for tenant, id_ in ((TENANT, "nothing"), ("other", "r1")):
        assert await talk.store.read(reading.by_id, tenant, id_) is None


async def test_whom_it_concerns(talk: Shelf) -> None:
    """Somebody would not be told what came of his report."""
    await talk.write(filed("r1", "sue"))
    await talk.write(filed("r2", "uma"))
    concerned = await talk.store.read(reading.concerned, TENANT, "case-r1")
    assert concerned == ("sue", "uma")


async def test_own_reports_and_their_marks(talk: Shelf) -> None:
    """A reporter would see the marks of others, or none of his own (ITS-85)."""
    await talk.write(filed("r1", "sue"))
    await talk.write(filed("r2", "uma", None))
    await talk.write(ResolveCase("case-r1", "club", "warned", None, "anna"))
    for reporter, ids, marks in (("sue", ["r1"], {"m": "r1"}), ("uma", ["r2"], {})):
        rows = await talk.store.read(reading.own, TENANT, reporter, **PAGE)
        assert [one.id for one in rows] == ids
        found = await talk.store.read(reading.marks, TENANT, reporter, ["m", "n"])
        assert found == marks
    some = {**PAGE, "state": "open"}
    assert await talk.store.read(reading.own, TENANT, "sue", **some) == []


async def test_reports_of_a_conversation(talk: Shelf) -> None:
    """Nobody, or anybody, could restore what was deleted (ITS-92)."""
    await talk.write(filed("r1", "sue"))
    await talk.write(filed("r2", "sue", None, destination=""))
    for reader, expected in (("anna", ["r2", "r1"]), ("ben", ["r2"])):
        rows = await talk.store.read(reading.of_conversation, TENANT, "club", reader)
        assert [one.id for one in rows] == expected


async def test_who_may_be_asked(talk: Shelf) -> None:
    """A child would be offered nobody, or people it has nothing to do with (ITS-83)."""
    await talk.write(
        PutPerson("adam", "Adam", ("admin",)),
        PutPerson("gone", "Gone", ("admin",), active=False),
        PutRoster("course", "math", "Math"),
        PutRosterMember("course", "math", "sue", "student"),
        PutRosterMember("course", "math", "uma", "student"),
        PutRosterMember("course", "math", "ben", "teacher"),
    )
    for roles, expected in ((("admin", "owner"), ["adam", "ben"]), ((), ["ben"])):
        found = await talk.store.read(reading.candidates, TENANT, "sue", roles, 9)
        assert found == expected
