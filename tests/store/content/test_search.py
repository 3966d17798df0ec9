"""If these fail, a search finds what must not be seen, or what is no longer there."""

from pathlib import Path

import apsw
import pytest

from chatd.domain.content.searching import terms_of
from chatd.store.content import search
from chatd.store.content.attachments import Attach
from chatd.store.content.search import Hits, IndexBacklog, Sought
from chatd.store.members import Join, NewMember, Part
from chatd.store.messages import EditMessage, RemoveMessage
from tests.store.filing import holding, upload, with_files
from tests.store.shelf import TENANT, Shelf
from tests.support.databases import execute


async def hits(
    shelf: Shelf,
    who: str,
    query: str,
    *where: str,
    limit: int = 50,
    before: int = search.NEWEST,
    history: str = "all",
) -> Hits:
    sought = Sought(who, terms_of(query), where or ("talk",), history, before)  # type: ignore[arg-type]
    return await shelf.store.read(search.find, TENANT, sought, limit)


async def found(shelf: Shelf, who: str, query: str, *where: str) -> list[str]:
    return [id_ for _, id_ in (await hits(shelf, who, query, *where)).found]


@pytest.mark.parametrize(
    ("text", "queries"),
    [
        (
            "Bring your Homework, please",
            ["homework", "BRING please", "homew", '"your homework'],
        ),
        ("数学の宿題を提出", ["宿題", "数学 提出", "題", "宿題を提", "出"]),
        ("明日3時に集合", ["3時", "明日3時", "日3", "集合"]),
        ("สวัสดีครับ", ["สวัสดี", "ครับ"]),
        ("Größe über alles", ["grosse", "UBER", "größe"]),
        ("see https://example.org/timetable", ["example.org", "timetable", "example"]),
        ("well done 👍", ["👍", "done 👍"]),
        ("مَدْرَسَة", ["مدرسة", "مدر"]),
    ],
)
async def test_any_language(shelf: Shelf, text: str, queries: list[str]) -> None:
    """A school that writes so could find nothing; emoji are words, too (ITS-71, 73)."""
    id_, _ = await shelf.say("ada", text)
    await shelf.say("ada", "something else entirely")
    for query in queries:
        assert await found(shelf, "ben", query) == [id_], query


@pytest.mark.parametrize(
    "query", ["work", "omework", "please bring x", '"please bring"']
)
async def test_what_is_not_there(shelf: Shelf, query: str) -> None:
    """Everything would be found by anything."""
    await shelf.say("ada", "Bring your Homework, please")
    assert await found(shelf, "ben", query) == []


async def test_names_of_files(shelf: Shelf) -> None:
    """A file could not be found by its name (ITS-71)."""
    await upload(shelf, "timetable")
    attached = with_files("ada", Attach("timetable"))
    await shelf.write(attached)
    assert await found(shelf, "ben", "timetable.txt") == [attached.id]


async def test_strangers_and_former_members(shelf: Shelf) -> None:
    """Somebody would find what was said before or after, or in another's talk."""
    early, _ = await shelf.say("ada", "marker one")
    await shelf.write(Part("talk", ("cleo",), "ada"))
    gap, _ = await shelf.say("ada", "marker two")
    assert await found(shelf, "cleo", "marker") == [early]
    await shelf.write(Join("talk", (NewMember("cleo"),), "ada"))
    late, _ = await shelf.say("ada", "marker three")
    assert await found(shelf, "cleo", "marker") == [late, early]
    assert await found(shelf, "ben", "marker") == [late, gap, early]
    assert await found(shelf, "dan", "marker") == []
    assert (await hits(shelf, "cleo", "two")) == Hits((), None)


async def test_newcomers_of_a_school_without_history(shelf: Shelf) -> None:
    """Who joins would find what that school does not show."""
    early, _ = await shelf.say("ada", "marker")
    await shelf.write(Join("talk", (NewMember("dan"),), "ada"))
    late, _ = await shelf.say("ada", "marker")
    shown = await hits(shelf, "dan", "marker", history="none")
    assert [id_ for _, id_ in shown.found] == [late]
    assert await found(shelf, "dan", "marker") == [late, early]


async def test_edits(shelf: Shelf) -> None:
    """The old words would still be found, or the new ones not."""
    id_, _ = await shelf.say("ada", "before")
    await shelf.write(EditMessage(id_, "talk", "ada", "after", None, None))
    assert await found(shelf, "ben", "before") == []
    assert await found(shelf, "ben", "after") == [id_]


async def test_edits_behind_the_back(shelf: Shelf) -> None:
    """Who has left would learn by searching what was written since."""
    id_, _ = await shelf.say("ada", "before")
    await shelf.write(Part("talk", ("cleo",), "ada"))
    await shelf.write(EditMessage(id_, "talk", "ada", "after", None, None))
    assert await found(shelf, "cleo", "after") == []
    assert await found(shelf, "cleo", "before") == []


@pytest.mark.engines("sqlite")
async def test_removals_leave_no_byte(shelf: Shelf, tmp_path: Path) -> None:
    """A removed word could be read from the file of the database (ITS-77)."""
    marker = "canary4711word"
    ids = [(await shelf.say("ada", f"{marker} {n}"))[0] for n in range(20)]
    edited, _ = await shelf.say("ada", f"and {marker}")
    await shelf.write(EditMessage(edited, "talk", "ada", "nothing", None, None))
    for id_ in ids:
        await shelf.write(RemoveMessage(id_, "talk", "ada", None, "removed"))
    assert await found(shelf, "ben", marker) == []
    connection = apsw.Connection(str(shelf.path))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()
    assert holding(tmp_path, marker.encode()) == []


async def test_pages(shelf: Shelf) -> None:
    """A page would repeat or leave out a message."""
    ids = [(await shelf.say("ada", f"marker {n}"))[0] for n in range(7)]
    first = await hits(shelf, "ben", "marker", limit=3)
    assert first.rest is not None
    second = await hits(shelf, "ben", "marker", limit=3, before=first.rest)
    assert second.rest is not None
    third = await hits(shelf, "ben", "marker", limit=3, before=second.rest)
    assert third.rest is None
    found = [id_ for page in (first, second, third) for _, id_ in page.found]
    assert found == ids[::-1]


async def test_the_work_is_bounded(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking for a common word among others' messages would take for ever."""
    monkeypatch.setattr(search, "LOOKS_MAX", 2)
    monkeypatch.setattr(search, "AT_ONCE", 2)
    await shelf.talk("away", "dan", "eve")
    mine, _ = await shelf.say("ada", "marker")
    for _ in range(5):
        await shelf.say("dan", "marker", to="away")
    everywhere = Sought("ada", terms_of("marker"), None, "all")
    look = await shelf.store.read(search.find, TENANT, everywhere, 10)
    assert look.found == ()
    assert look.rest is not None
    further = Sought("ada", terms_of("marker"), None, "all", look.rest)
    assert [
        id_
        for _, id_ in (await shelf.store.read(search.find, TENANT, further, 10)).found
    ] == [mine]


async def test_tenants_are_apart(shelf: Shelf) -> None:
    """A search would find what another school said."""
    await shelf.people("ada", tenant="other")
    await shelf.talk("talk", "ada", tenant="other")
    await shelf.say("ada", "marker", tenant="other")
    mine, _ = await shelf.say("ada", "marker")
    everywhere = Sought("ada", terms_of("marker"), None, "all")
    look = await shelf.store.read(search.find, TENANT, everywhere, 10)
    assert [id_ for _, id_ in look.found] == [mine]
    assert await found(shelf, "ada", "marker") == [mine]


async def test_what_was_left_is_found_only_where_it_is_looked_for(
    shelf: Shelf,
) -> None:
    """A conversation that one has left would come up in every search (ITS-74)."""
    id_, _ = await shelf.say("cleo", "marker")
    await shelf.write(Part("talk", ("cleo",), "ada"))
    here = Sought("cleo", terms_of("marker"), ("talk",), "all")
    everywhere = Sought("cleo", terms_of("marker"), None, "all", left=False)
    look = await shelf.store.read(search.find, TENANT, here, 10)
    assert [one for _, one in look.found] == [id_]
    assert (await shelf.store.read(search.find, TENANT, everywhere, 10)).found == ()
    assert await shelf.store.read(search.places, TENANT, "cleo", 1) == ()


async def test_messages_from_before_the_index(shelf: Shelf) -> None:
    """What was said before an update could not be found."""
    id_, _ = await shelf.say("ada", "marker")
    gone, _ = await shelf.say("ada", "marker")
    await shelf.write(RemoveMessage(gone, "talk", "ada", None, "removed"))
    await execute(shelf.url, "DELETE FROM search_entry")
    moved = "INSERT INTO search_backlog SELECT tenant, id FROM message"
    await execute(shelf.url, moved)
    waiting = await shelf.store.read(search.backlog, 10)
    assert {one for _, one in waiting} == {id_, gone}
    await shelf.write(IndexBacklog((id_, gone)))
    assert await shelf.store.read(search.backlog, 10) == []
    assert await found(shelf, "ben", "marker") == [id_]


async def test_where_somebody_is(shelf: Shelf) -> None:
    """Whoever is in many conversations would find only some of what they hold."""
    await shelf.talk("away", "ada", "dan")
    both = await shelf.store.read(search.places, TENANT, "ada", 2)
    assert sorted(both or ()) == ["away", "talk"]
    assert await shelf.store.read(search.places, TENANT, "ada", 1) is None
    assert await shelf.store.read(search.places, TENANT, "eve", 1) == ()
