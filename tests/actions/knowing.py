"""What people know: by asking for everything anew, by `Sync`, and by being there.

A *snapshot* is all that a person can ask for. A *follower* began with one and has been
told of everything since, over a connection of the real hub or by `Sync` alone.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from chatd.actions import conversations, me, paging, reading, recovery
from chatd.actions.basis.rates import Rates
from chatd.actions.reporting import reviewing
from chatd.bus.leases import Alone
from chatd.bus.local import LocalBus
from chatd.clock import SystemClock
from chatd.domain.announcements import Announcement
from chatd.errors import Refused
from chatd.hub.chat import ChatHub
from chatd.identity.claims import Identity
from chatd.signalr.registry import HubContext
from chatd.signalr.ticks import Flusher, Wheel
from chatd_client.replica import Replica
from chatd_protocol.chat import requests
from chatd_protocol.chat.events import Event
from chatd_protocol.chat.objects import Conversation, Message
from chatd_protocol.chat.reporting.reports import ListReports, Report
from chatd_protocol.chat.results import Me, MessagePage, UnreadTotals
from tests.actions.deeds import who
from tests.hub.listeners import Ear
from tests.support.house import House
from tests.support.waiting import wait_until

FILTERS = ("all", "unread", "starred", "archived", "closed")
PAGE = 3
"""Small, so that every list has several pages."""

LATER_S = 9.0
"""When everything that a client waits for has been waited for."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that one person is answered, at one moment."""

    me: Me
    totals: UnreadTotals
    lists: Mapping[str, Sequence[str]]
    conversations: Mapping[str, Conversation]
    pages: Mapping[str, Sequence[MessagePage]]
    reports: Mapping[str, Report]

    def messages(self, id_: str) -> list[Message]:
        return [message for page in self.pages[id_] for message in page.messages]


async def snapshot(school: House, viewer: str) -> Snapshot:
    """Asks for everything, page by page; history both ways, which must be the same."""
    context, caller = school.context, who(viewer)
    lists: dict[str, list[str]] = {}
    found: dict[str, Conversation] = {}
    for name in FILTERS:
        rows = await _list(school, viewer, name)
        lists[name] = [row.id for row in rows]
        found |= {row.id: row for row in rows}
    return Snapshot(
        me=await me.get(context, caller, requests.GetMe()),
        totals=await reading.unread(context, caller, requests.GetUnread()),
        lists=lists,
        conversations=found,
        pages={id_: await _history(school, viewer, id_) for id_ in found},
        reports=await _reports(school, viewer),
    )


async def _list(school: House, viewer: str, name: str) -> list[Conversation]:
    rows: list[Conversation] = []
    cursor = None
    while True:
        asked = requests.ListConversations(
            filter=name,  # type: ignore[arg-type]
            cursor=cursor,
            limit=PAGE,
        )
        page = await conversations.page(school.context, who(viewer), asked)
        rows += page.conversations
        if (cursor := page.next) is None:
            return rows


async def _reports(school: House, viewer: str) -> dict[str, Report]:
    page = await reviewing.page(school.context, who(viewer), ListReports())
    assert page.next is None
    return {one.id: one for one in page.reports}


async def _history(school: House, viewer: str, id_: str) -> list[MessagePage]:
    back = [await _page(school, viewer, id_)]
    while back[0].has_before:
        first = back[0].messages[0].seq
        back.insert(0, await _page(school, viewer, id_, before=first))
    forth = [await _page(school, viewer, id_, after=0)]
    while forth[-1].has_after:
        last = forth[-1].messages[-1].seq
        forth.append(await _page(school, viewer, id_, after=last))
    one = [message for page in back for message in page.messages]
    assert one == [message for page in forth for message in page.messages]
    return back


async def _page(school: House, viewer: str, id_: str, **place: int) -> MessagePage:
    asked = requests.ListMessages(conversation_id=id_, limit=PAGE, **place)  # type: ignore[arg-type]
    return await paging.page(school.context, who(viewer), asked)


# -------------------------------------------------------------------- followers


@dataclass(slots=True)
class Follower:
    """One person's client, which began with a snapshot and loaded every page."""

    school: House
    viewer: str
    replica: Replica = field(default_factory=Replica)
    ear: Ear | None = None
    _heard: int = 0

    async def begin(self) -> None:
        old = await snapshot(self.school, self.viewer)
        self.replica.baseline(old.me, old.conversations.values())
        self.replica.personal.reports.update(old.reports)
        for id_, pages in old.pages.items():
            for page in reversed(pages):
                self.replica.load(id_, page)

    async def catch_up(self) -> None:
        """By what came over the connection, or by `Sync` where there is none."""
        if self.ear is None:
            self.replica.begin()
            await self._sync(self.replica.requests())
            self.replica.finish(0.0)
        else:
            for heard in self.ear.events[self._heard :]:
                event: Any = msgspec.convert(heard, Event)
                self.replica.offer(event, 0.0)
            self._heard = len(self.ear.events)
        await self._mend()

    async def _mend(self) -> None:
        """What a client asks for when something has been missing for a while."""
        for _ in range(20):
            overdue = self.replica.overdue(LATER_S)
            if not overdue.unknown and not overdue.behind:
                return
            for id_ in overdue.unknown:
                asked = requests.GetConversation(conversation_id=id_)
                try:
                    found = await conversations.get(
                        self.school.context, who(self.viewer), asked
                    )
                except Refused:
                    # A guest's visit was over before the last of it had come.
                    self.replica.give_up(id_)
                else:
                    self.replica.adopt(found, 0.0)
            if overdue.behind:
                await self._sync(self.replica.requests(overdue.behind))
        raise AssertionError(f"{self.viewer} is never whole: {overdue}")

    async def _sync(self, asked: Sequence[requests.Sync]) -> None:
        for request in asked:
            while True:
                synced = await recovery.sync(
                    self.school.context, who(self.viewer), request
                )
                self.replica.absorb(synced, 0.0)
                again = self.replica.again(request)
                if not synced.more:
                    break
                assert again != request, "the answers lead nowhere"
                request = again

    async def compare(self) -> None:
        """The same as asking for everything anew, or an AssertionError."""
        new = await snapshot(self.school, self.viewer)
        rooms = self.replica.rooms
        kept = {one.id: one for one in self.replica.conversations() if not hidden(one)}
        told = (self.viewer, "live" if self.ear else "sync")
        assert kept.keys() == new.conversations.keys(), told
        for id_, one in new.conversations.items():
            found = differences(comparable(kept[id_], one), comparable(one, one))
            assert found == {}, (told, one.kind, found)
            known = rooms[id_].messages
            mine = [known[seq].message for seq in sorted(known)]
            assert mine == new.messages(id_), (told, one.kind, mine, new.messages(id_))
        for name in FILTERS:
            listed = [id_ for id_, one in kept.items() if _belongs(name, one)]
            assert listed == list(new.lists[name]), (told, name)
        assert self.replica.personal.reports == new.reports, told
        assert self._totals(kept) == new.totals, told
        assert self.replica.personal.preferences == new.me.preferences, told
        assert self.replica.personal_seq == new.me.personal_seq, told

    def _totals(self, kept: Mapping[str, Conversation]) -> UnreadTotals:
        own = [one.unread for one in kept.values() if one.member]
        return UnreadTotals(
            messages=sum(unread.count for unread in own),
            conversations=sum(1 for one in own if one.count or one.marked),
            requests=0,
        )


def hidden(one: Conversation) -> bool:
    """Whether a conversation is in no list: nothing has come since it was hidden."""
    last = one.last_message.seq if one.last_message is not None else 0
    return one.hidden_seq is not None and last <= one.hidden_seq


def _belongs(name: str, one: Conversation) -> bool:
    """The tabs of the list, told from what a client has of a conversation."""
    return {
        "all": one.member and not one.archived,
        "unread": one.member and bool(one.unread.count or one.unread.marked),
        "starred": one.member and one.starred,
        "archived": one.member and one.archived,
        "closed": not one.member or one.state != "open",
    }[name]


def comparable(conversation: Conversation, model: Conversation) -> dict[str, Any]:
    """A conversation's values, but for what the contract lets differ.

    `participants` is a sample of up to eight faces: where there are more people than
    that, whose face fills a place that came free is not told, only who went. What the
    directory says of a person there is as of loading.
    """
    values: dict[str, Any] = msgspec.to_builtins(conversation)
    if conversation.participants is not None:
        values["participants"] = [(p.id, p.role) for p in conversation.participants]
    if model.participants is not None and len(model.participants) == FACES:
        values["participants"] = None
    return values


FACES = 8


def differences(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {
        name: (one.get(name), other.get(name))
        for name in one.keys() | other.keys()
        if one.get(name) != other.get(name)
    }


# ------------------------------------------------------------------ being there


class Hall:
    """The real hub over a house's store, with connections that keep what they hear."""

    def __init__(self, school: House) -> None:
        self.clock = SystemClock()
        self._school = school
        self._wheel = Wheel(self.clock)
        self.chat = ChatHub(
            school.context,
            LocalBus(),
            Rates(school.context.limits, school.clock, Alone()),
            _never,
            _never,
        )
        self.hub = HubContext("/hub", self.chat.hub(), self._wheel, Flusher())
        school.listeners.append(self._listen)

    def _listen(self, announcements: Sequence[Announcement]) -> None:
        self.chat.listen(announcements)

    async def stop(self) -> None:
        self._school.listeners.remove(self._listen)
        await self.chat.stop()
        await self.hub.finish()
        self._wheel.stop()

    async def ear(self, viewer: str) -> Ear:
        """A connection of somebody; returns when events are coming."""
        made = Ear(self, viewer, {"events": "single"})  # type: ignore[arg-type]
        people = self.chat._rooms.people
        await wait_until(
            lambda: (there := people.get(made.key)) and there.loaded.is_set(),
            what=f"{viewer} to be there",
        )
        return made

    async def quiet(self) -> None:
        """Waits until everything that was committed has been delivered."""
        rooms = self.chat._rooms

        def still() -> bool:
            return not any(
                one.pumping or one.pending or one.entering
                for one in rooms.rooms.values()
            ) and not any(
                one.pumping or one.personal_seq < one.personal_target
                for one in rooms.people.values()
            )

        await wait_until(still, what="everything to be delivered")
        await asyncio.sleep(0)  # what is collected is written before the next turn
        await asyncio.sleep(0)


async def _never(*_: object) -> Identity:
    raise AssertionError("nobody knocks here: connections are opened inside")


@dataclass(frozen=True, slots=True)
class Class:
    """Of each person two clients: one that is there, and one that is away."""

    hall: Hall
    followers: Sequence[Follower]

    async def catch_up(self) -> None:
        await self.hall.quiet()
        for one in self.followers:
            await one.catch_up()

    async def compare(self) -> None:
        for one in self.followers:
            await one.compare()


@asynccontextmanager
async def watching(school: House, viewers: Sequence[str]) -> AsyncIterator[Class]:
    """These people's clients, which know everything so far."""
    hall = Hall(school)
    try:
        made = [Follower(school, viewer) for viewer in viewers]
        made += [Follower(school, one, ear=await hall.ear(one)) for one in viewers]
        for one in made:
            await one.begin()
        yield Class(hall, made)
    finally:
        await hall.stop()
