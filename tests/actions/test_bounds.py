"""If these fail, a deed asks the store for more the more there is (SPEC, Limits).

Statements and rows are counted between an action and the store; what is written is a
Change, whose statements do not depend on what is there.
"""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from chatd.actions import (
    conversations,
    me,
    members,
    paging,
    reading,
    recovery,
)
from chatd.actions.basis.context import Context
from chatd.actions.basis.facts import Facts
from chatd.actions.reporting import filing, reviewing
from chatd.actions.starting import individual
from chatd.actions.starting.wanting import also_to, first_message, wanted_of
from chatd.store.change import Change, Committed
from chatd.store.engine.postgres.batches import send_of
from chatd.store.messages import InsertMessage
from chatd.store.transaction import Row, SqlValue, Transaction
from chatd_protocol.chat import requests
from chatd_protocol.chat.reporting.reports import ListReports, ReportConversation
from tests.actions.deeds import report, send, start, who
from tests.actions.uploads import upload
from tests.support.files import files_at
from tests.support.house import TENANT, House

ROWS_A_PAGE = 3 * 50
"""A page of messages names up to as many authors and conversations again."""


@dataclass(slots=True)
class Meter:
    """How much was asked for, in statements and in rows."""

    statements: int = 0
    rows: int = 0


class MeteredTransaction:
    """A transaction whose statements and rows are counted."""

    def __init__(self, tx: Transaction, meter: Meter) -> None:
        self._tx = tx
        self._meter = meter

    async def all(self, sql: str, *parameters: SqlValue) -> list[Row]:
        rows = await self._tx.all(sql, *parameters)
        self._meter.statements += 1
        self._meter.rows += len(rows)
        return rows

    async def one(self, sql: str, *parameters: SqlValue) -> Row | None:
        self._meter.statements += 1
        self._meter.rows += 1
        return await self._tx.one(sql, *parameters)

    async def run(self, sql: str, *parameters: SqlValue) -> int:
        raise AssertionError("a read writes")


def metered(context: Context) -> tuple[Context, Meter]:
    """The same context, and a meter of what is read through it."""
    meter = Meter()
    real = context.store

    class Store:
        epoch = real.epoch
        commit = staticmethod(real.commit)

        @staticmethod
        async def read(
            function: Callable[..., Coroutine[Any, Any, Any]], *args: Any, **kwargs: Any
        ) -> Any:
            async def work(tx: Transaction) -> Any:
                return await function(MeteredTransaction(tx, meter), *args, **kwargs)

            return await real.read(work)

    store: Any = Store()
    return replace(context, store=store, facts=Facts(store)), meter


async def fill(school: House, conversation: str, count: int) -> None:
    writes = [
        InsertMessage(
            id=f"{conversation}-{number}",
            conversation_id=conversation,
            author_id="anna",
            kind="text",
            text="x",
            client_message_id=f"{conversation}-{number}",
            digest=b"d",
        )
        for number in range(count)
    ]
    await school.write(*writes)


async def test_a_send_to_a_known_place_reads_nothing(school: House) -> None:
    """Every message would wait for the disk before it is even decided."""
    context, meter = metered(school.context)
    group = await start(school, "anna", "sue", "tom")
    house = replace(school, context=context)
    await send(house, "anna", group.id)
    assert meter.statements > 0
    meter.statements = 0
    for _ in range(3):
        await send(house, "anna", group.id)
    assert meter.statements == 0


async def test_a_send_takes_the_lane_of_sends(
    school: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL each message would wait for a dozen answers of the database."""
    talk = await start(school, "anna", "sue")
    made: list[Change] = []
    real = school.context.store.commit

    async def commit(change: Change) -> Committed:
        made.append(change)
        return await real(change)

    monkeypatch.setattr(school.context.store, "commit", commit)
    await send(school, "anna", talk.id)
    assert [send_of(one) is not None for one in made] == [True]


Ask = Callable[[Context, str], Awaitable[object]]


def _history(context: Context, conversation: str) -> Awaitable[object]:
    asked = requests.ListMessages(conversation_id=conversation, limit=50)
    return paging.page(context, who("sue"), asked)


def _happened(context: Context, conversation: str) -> Awaitable[object]:
    asked = requests.ListMessages(
        conversation_id=conversation, with_events=True, limit=50
    )
    return paging.page(context, who("sue"), asked)


def _first_unread(context: Context, conversation: str) -> Awaitable[object]:
    asked = requests.ListMessages(
        conversation_id=conversation, around_unread=True, limit=50
    )
    return paging.page(context, who("sue"), asked)


def _oldest(context: Context, conversation: str) -> Awaitable[object]:
    asked = requests.ListMessages(conversation_id=conversation, after=0, limit=50)
    return paging.page(context, who("sue"), asked)


def _sync(context: Context, conversation: str) -> Awaitable[object]:
    asked = requests.Sync(personal_seq=0, cursors={conversation: 0})
    return recovery.sync(context, who("sue"), asked)


def _list(context: Context, _: str) -> Awaitable[object]:
    return conversations.page(context, who("sue"), requests.ListConversations())


def _one(context: Context, conversation: str) -> Awaitable[object]:
    asked = requests.GetConversation(conversation_id=conversation)
    return conversations.get(context, who("sue"), asked)


def _people(context: Context, conversation: str) -> Awaitable[object]:
    asked = requests.ListParticipants(conversation_id=conversation)
    return members.page(context, who("sue"), asked)


def _me(context: Context, _: str) -> Awaitable[object]:
    return me.get(context, who("sue"), requests.GetMe())


def _unread(context: Context, _: str) -> Awaitable[object]:
    return reading.unread(context, who("sue"), requests.GetUnread())


def _report(context: Context, conversation: str) -> Awaitable[object]:
    asked = ReportConversation(
        conversation_id=conversation,
        client_request_id=conversation,
        teacher_id="adam",
    )
    return filing.of_conversation(context, who("sue"), asked)


@pytest.mark.parametrize(
    "ask",
    [_history, _happened, _first_unread, _oldest, _one, _people, _sync, _report],
)
async def test_a_long_conversation_costs_what_a_short_one_does(
    school: House, ask: Ask
) -> None:
    """A conversation would open the later the more was ever said in it (ITS-136)."""
    short = await start(school, "anna", "sue", "tom", title="Short")
    long = await start(school, "anna", "sue", "tom", title="Long")
    await fill(school, short.id, 60)
    await fill(school, long.id, 900)
    spent = []
    for conversation in (short, long):
        context, meter = metered(school.context)
        await ask(context, conversation.id)
        spent.append(meter)
    assert spent[0].statements == spent[1].statements
    # An event and its message are a row each.
    events = 2 * requests.Sync().limit if ask is _sync else 0
    assert spent[1].rows <= ROWS_A_PAGE + events


@pytest.mark.parametrize("ask", [_list, _me, _unread, _sync])
async def test_many_conversations_cost_the_statements_of_a_few(
    school: House, ask: Ask
) -> None:
    """A teacher's list would take a statement for each of hundreds of conversations."""
    spent = []
    for count in (3, 40):
        for number in range(count):
            id_ = f"{count}-{number}"
            await school.conversation(id_, "anna", "sue", "tom")
            await fill(school, id_, 2)
        context, meter = metered(school.context)
        await ask(context, f"{count}-0")
        spent.append(meter.statements)
    assert spent[0] == spent[1]


async def test_a_long_queue_costs_what_a_short_one_does(school: House) -> None:
    """A queue of a thousand reports would take a statement for each of them."""
    group = await start(school, "sue", "tom", "uma")
    spent = []
    for count in (2, 30):
        for _ in range(count):
            bad = await send(school, "tom", group.id)
            await report(school, "sue", bad.id)
        for reader, box in (("sue", "mine"), ("anna", "queue")):
            context, meter = metered(school.context)
            asked = ListReports(box=box)  # type: ignore[arg-type]
            await reviewing.page(context, who(reader), asked)
            spent.append(meter.statements)
    assert spent[:2] == spent[2:]


async def test_a_file_to_many_costs_what_it_costs_to_few(
    school: House, tmp_path: Path
) -> None:
    """A form for a whole year would be looked up once for each pupil."""
    files = files_at(tmp_path)
    spent = []
    for pupils in (("sue",), ("sue", "tom", "uma")):
        await school.course(f"c{len(pupils)}", anna="teacher", zed="student")
        form = await upload(school, files, "anna")
        context, meter = metered(school.context)
        caller = who("anna")
        first = await first_message(
            context, caller, wanted_of(context, caller, _sent(form.id))
        )
        assert first is not None
        made = await context.store.read(also_to, TENANT, first, pupils)
        assert len({one.attached for one in made.values()}) == len(pupils)
        spent.append(meter.statements)
    assert spent[0] == spent[1]


def _sent(file_id: str) -> requests.StartConversation:
    return requests.StartConversation(
        recipients=(requests.Recipient(kind="course", id="math"),),
        client_request_id=file_id,
        mode="individual",
        message=requests.FirstMessage(attachment_ids=(file_id,)),
    )


async def test_to_mark_as_read_judges_nobody(school: House) -> None:
    """Each message that somebody reads would be as much work as to open the talk."""
    talk = await start(school, "anna", "sue")
    said = await send(school, "anna", talk.id)
    context, meter = metered(school.context)
    await _one(context, talk.id)
    opening, meter.statements = meter.statements, 0
    asked = requests.MarkRead(conversation_id=talk.id, seq=said.seq)
    await reading.mark_read(context, who("sue"), asked)
    # Before and after the write; a look at the people took three more each time.
    assert meter.statements <= 2 * (opening - 3)


async def test_the_same_words_to_many_who_talk_with_one_already(
    school: House,
) -> None:
    """A teacher who writes to a year would hold a reader of the store for seconds."""
    many = [f"n{number}" for number in range(12)]
    await school.people(*many)
    await school.course("year", anna="teacher", **dict.fromkeys(many, "student"))
    for pupil in many:
        await send(school, "anna", (await start(school, "anna", pupil)).id)
    spent = []
    for pupils in (many[:2], many):
        context, meter = metered(school.context)
        wanted = wanted_of(context, who("anna"), _words(*pupils))
        first = await first_message(context, who("anna"), wanted)
        assert first is not None
        found = await context.store.read(
            individual.addressed, who("anna"), pupils, {}, first
        )
        assert found.places.keys() == set(pupils)
        spent.append(meter.statements)
    assert spent[0] == spent[1]


def _words(*pupils: str) -> requests.StartConversation:
    return requests.StartConversation(
        recipients=tuple(requests.Recipient(kind="user", id=id_) for id_ in pupils),
        client_request_id="words",
        mode="individual",
        message=requests.FirstMessage(text="to each of you"),
    )


async def test_a_platform_that_listens_costs_the_statements_of_a_few(
    school: House,
) -> None:
    """Each page of events would ask for every conversation that began in it."""
    watcher = who("lms", TENANT, "events")
    cursor, spent = None, []
    for count in (2, 30):
        for number in range(count):
            await school.conversation(f"{count}-{number}", "anna", "sue")
        context, meter = metered(school.context)
        asked = requests.ListEvents(cursor=cursor)
        page = await recovery.event_page(context, watcher, asked)
        assert len(page.events) == count
        cursor = page.next
        spent.append(meter.statements)
    assert spent[0] == spent[1]
