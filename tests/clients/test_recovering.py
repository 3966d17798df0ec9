"""What is asked of the server to make a replica whole, and in which order."""

import asyncio
from collections.abc import Iterable

import pytest

from chatd_client import recovering
from chatd_client.errors import Refused
from chatd_client.recovering import Recovery
from chatd_client.replica import BUFFER_MAX, HOLD_S, Replica, Reset, Update
from chatd_protocol.chat.base import Request, Shape
from chatd_protocol.chat.methods import BY_REQUEST
from chatd_protocol.chat.requests import GetConversation, ListConversations, Sync
from chatd_protocol.chat.results import ConversationPage, UnreadTotals
from tests.clients.histories import conversation, me, missed, said, synced
from tests.support.waiting import wait_until

TOTALS = UnreadTotals(messages=0, conversations=0, requests=0)


class Asked:
    """Answers in the order of a script, and remembers what was asked."""

    def __init__(self, *answers: Shape | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[Request] = []
        self.updates: list[Update] = []
        self.replica = Replica()
        self.offered = asyncio.Event()
        self.recovery = Recovery(self.replica, self.ask, self.emit, self.offered)

    async def ask(self, request: Request) -> Shape:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def emit(self, updates: Iterable[Update]) -> None:
        self.updates += updates

    @property
    def names(self) -> list[str]:
        return [BY_REQUEST[type(request)].name for request in self.requests]


def page(*names: str, following: str | None = None) -> ConversationPage:
    rows = tuple(conversation(name) for name in names)
    return ConversationPage(
        conversations=rows, unread=TOTALS, personal_seq=0, next=following
    )


async def test_the_first_time() -> None:
    """A person with more than a page of conversations would see a part of them."""
    asked = Asked(me(), page("c1", following="x"), page("c2"), page("c3"))
    asked.replica.begin()
    await asked.recovery.catch_up()
    assert asked.names == ["GetMe", *["ListConversations"] * 3]
    lists = [row for row in asked.requests if isinstance(row, ListConversations)]
    assert [(row.filter, row.cursor) for row in lists] == [
        ("all", None),
        ("all", "x"),
        ("archived", None),
    ]
    assert sorted(asked.replica.rooms) == ["c1", "c2", "c3"]
    assert asked.updates == [Reset()]


async def test_sync_goes_on_while_there_is_more() -> None:
    """A long absence would be made up for in part."""
    asked = Asked(
        synced(missed([said(1)], head=3), more=True),
        synced(missed([said(2), said(3)])),
    )
    asked.replica.baseline(me(), [conversation()])
    asked.replica.begin()
    await asked.recovery.catch_up()
    cursors = [row.cursors for row in asked.requests if isinstance(row, Sync)]
    assert cursors == [{"c1": 0}, {"c1": 1}]
    assert asked.updates == [said(1), said(2), said(3)]


async def test_what_did_not_fit_while_beginning_is_asked_for() -> None:
    """The last words of a busy minute would come only with the next ones."""
    asked = Asked(me(), page("c1"), page(), synced(missed([said(1)])))
    asked.replica.begin()
    for seq in range(BUFFER_MAX + 1):
        asked.replica.offer(said(1, name=f"other {seq}"), 0.0)
    assert asked.replica.lost_events
    await asked.recovery.catch_up()
    assert asked.names[-1] == "Sync"
    assert asked.updates == [Reset(), said(1)]
    assert not asked.replica.lost_events


async def test_live_events_come_after_what_was_missed() -> None:
    """Events would be told in the wrong order, or twice."""
    asked = Asked(synced(missed([said(1), said(2)])))
    asked.replica.baseline(me(), [conversation()])
    asked.replica.begin()
    for event in (said(3), said(2)):
        asked.replica.offer(event, 0.0)
    await asked.recovery.catch_up()
    assert asked.updates == [said(1), said(2), said(3)]


@pytest.mark.parametrize("later", ["overloaded", "storage_unavailable"])
async def test_mending_waits_out_a_busy_server(
    later: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gap would stay because the server was busy when it was asked."""
    monkeypatch.setattr(recovering, "PAUSE_S", 0.01)
    asked = Asked(
        Refused(later, "Busy.", {}),
        conversation("new", head_seq=1),
    )
    asked.replica.baseline(me(), [])
    now_s = asyncio.get_running_loop().time()
    asked.replica.offer(said(1, name="new"), now_s - HOLD_S)
    mending = asyncio.create_task(asked.recovery.mend())
    await wait_until(lambda: asked.updates)
    mending.cancel()
    assert asked.names == ["GetConversation"] * 2
    assert asked.updates == [said(1, name="new")]


async def test_what_does_not_exist_is_given_up() -> None:
    """A client would ask for ever for what it may not see."""
    asked = Asked(Refused("not_found", "No.", {}))
    asked.replica.baseline(me(), [])
    now_s = asyncio.get_running_loop().time()
    asked.replica.offer(said(1, name="new"), now_s - HOLD_S)
    mending = asyncio.create_task(asked.recovery.mend())
    await wait_until(lambda: asked.requests and asked.replica.due_s() is None)
    mending.cancel()
    assert asked.requests == [GetConversation(conversation_id="new")]
