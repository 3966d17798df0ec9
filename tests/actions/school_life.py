"""Every deed that there is, done in a school where all kinds of members live.

A deed is a function of the `Life` in which it is done. What a table below calls
"behind uma" or "behind vic" is about a message that uma, who has left, or vic, who was
away for a while, has read and may still read.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from chatd.actions import (
    conversations,
    forwarding,
    me,
    members,
    messages,
    reading,
)
from chatd.actions.directory import kinds, people, policies
from chatd.actions.keeping import erasing
from chatd.actions.keeping.purging import DAY_MS, Purger
from chatd.actions.saying import held
from chatd_protocol.chat import directory, requests
from chatd_protocol.chat.http import screening
from chatd_protocol.chat.http.keeping import EraseUser
from chatd_protocol.chat.objects import Message
from chatd_protocol.chat.policy import PutPolicy
from tests.actions.deeds import send, start, who
from tests.actions.mass import schools
from tests.support.house import House

VIEWERS = ("anna", "adam", "sue", "tom", "uma", "vic", "ben", "zed")
"""Teacher and starter; admin; two students; uma has left; vic came back; ben may come;
zed has nothing with any of it."""


@dataclass(slots=True)
class Life:
    """Conversations of each kind by a short name, and messages by what they are."""

    school: House
    ids: dict[str, str]
    said: dict[str, Message]

    async def say(self, name: str, author: str, to: str = "group") -> Message:
        self.school.clock.at_ms += 1_000
        self.said[name] = await send(self.school, author, self.ids[to], f"{name} text")
        return self.said[name]

    async def does(
        self, action: Callable[..., Awaitable[Any]], user: str, asked: object
    ) -> Any:
        self.school.clock.at_ms += 1_000
        return await action(self.school.context, who(user), asked)

    async def directs(
        self, action: Callable[..., Awaitable[Any]], asked: object
    ) -> Any:
        """A deed of the platform."""
        self.school.clock.at_ms += 1_000
        return await action(self.school.context, self.school.platform, asked)

    async def remove(self, user: str) -> None:
        asked = requests.RemoveParticipant(
            conversation_id=self.ids["group"], user_id=user
        )
        await self.does(members.remove, "anna", asked)

    async def add(self, *users: str) -> None:
        asked = requests.AddParticipants(
            conversation_id=self.ids["group"], user_ids=users
        )
        await self.does(members.add, "anna", asked)

    async def edit(self, name: str, text: str = "other words") -> None:
        message = self.said[name]
        asked = requests.EditMessage(message_id=message.id, text=text)
        await self.does(messages.edit, message.author.id, asked)

    async def delete(self, name: str, user: str | None = None) -> None:
        message = self.said[name]
        asked = requests.DeleteMessage(message_id=message.id)
        await self.does(messages.delete, user or message.author.id, asked)


async def begin(school: House) -> Life:
    """A group with a past, a direct, a course's, a closed and a nearly empty one."""
    await school.people("vic")
    await school.course(
        "math",
        anna="teacher",
        sue="student",
        tom="student",
        uma="student",
        vic="student",
    )
    await school.course("art", ben="teacher", zed="student")
    life = Life(school, {}, {})
    group = await start(school, "anna", "sue", "tom", "uma", "vic", title="Team")
    direct = await start(school, "anna", "sue")
    course = await start(school, "sue", course="math")
    closed = await start(school, "anna", "sue", "tom", title="Old")
    empty = await start(school, "anna", "tom", "vic", title="Empty")
    life.ids = {
        "group": group.id,
        "direct": direct.id,
        "course": course.id,
        "closed": closed.id,
        "empty": empty.id,
    }
    await life.say("early", "sue")
    await life.say("anna's", "anna")
    await life.say("vic's", "vic")
    await life.remove("vic")
    await life.say("while vic is away", "tom")
    await life.edit("early", "first edited")
    await life.add("vic")
    await life.say("after vic came back", "tom")
    await life.say("uma's", "uma")
    await life.remove("uma")
    await life.say("after uma left", "sue")
    await life.say("last", "anna")
    await life.say("direct", "sue", "direct")
    await life.say("course", "anna", "course")
    await life.say("course of uma", "uma", "course")
    asked = directory.DeleteCourseMember(course_id="math", user_id="uma")
    await life.directs(kinds.ROSTERS["course"].delete_member, asked)
    await life.say("course without uma", "sue", "course")
    await life.say("old", "tom", "closed")
    close = requests.CloseConversation(conversation_id=life.ids["closed"])
    await life.does(conversations.close, "anna", close)
    return life


Deed = Callable[[Life], Awaitable[object]]


def saying(author: str, to: str) -> Deed:
    return lambda life: life.say("news", author, to)


def editing(*names: str) -> Deed:
    async def run(life: Life) -> None:
        for number, name in enumerate(names):
            await life.edit(name, f"edited {number}")

    return run


def forwarding_(user: str, name: str, to: str) -> Deed:
    def run(life: Life) -> Awaitable[object]:
        asked = requests.ForwardMessage(
            message_id=life.said[name].id,
            conversation_id=life.ids[to],
            client_message_id=f"forward-{name}",
        )
        return life.does(forwarding.forward, user, asked)

    return run


def deleting(name: str, user: str | None = None) -> Deed:
    return lambda life: life.delete(name, user)


ALL_OF_IT = {kind: ["member"] for kind in ("direct", "group", "course", "project")}
HIDING: dict[str, object] = {
    "rights": {
        **dict.fromkeys(("send", "edit", "delete", "deleteForMe"), ALL_OF_IT),
        "removeParticipants": {"group": ["member"]},
    }
}


def hiding(name: str, user: str) -> Deed:
    """Somebody deletes a message for himself, where the school has that."""

    async def run(life: Life) -> None:
        rules = PutPolicy(tenant_id="school", policy=HIDING)
        await life.directs(policies.put, rules)
        asked = requests.DeleteMessage(message_id=life.said[name].id, scope="me")
        await life.does(messages.delete, user, asked)

    return run


def waiting(*decisions: str) -> Deed:
    """Tom says his number and edits his last words to it; what becomes of each."""
    phone, moderator = "0171 2345678", who("mod", "school", "moderation")
    deeds: Mapping[str, tuple[Any, Any]] = {
        "release": (held.release, screening.ReleaseHeldMessage),
        "refuse": (held.refuse, screening.RefuseHeldMessage),
    }

    async def run(life: Life) -> None:
        rules = PutPolicy(tenant_id="school", policy={"pii": {"phone": "hold"}})
        await life.directs(policies.put, rules)
        said = await send(life.school, "tom", life.ids["group"], phone)
        await life.edit("last", phone)
        asked = screening.ListHeldMessages()
        page = await held.page(life.school.context, moderator, asked)
        for decision, one in zip(decisions, page.messages, strict=False):
            if decision == "take back":
                await life.does(
                    messages.delete, "tom", requests.DeleteMessage(message_id=said.id)
                )
                continue
            action, request = deeds[decision]
            await action(life.school.context, moderator, request(held_id=one.id))

    return run


def to_many(*steps: str, replies: str = "none", **more: Any) -> Deed:
    """Anna sends to everybody of her unit; what becomes of it, step by step."""

    async def run(life: Life) -> None:
        mass = {"privileges": ["massMessaging"], "replies": replies}
        rules = PutPolicy(tenant_id="school", policy={"mass": mass})
        await life.directs(policies.put, rules)
        await schools.furnish(life.school)
        made = await schools.send(life.school, "anna", "unit:north", **more)
        for step in steps:
            if step == "deliver":
                await schools.deliver(life.school)
            elif step == "begin":
                await schools.begin(life.school)
            else:
                await schools.cancel(life.school, "anna", made.id)

    return run


def adding(*users: str) -> Deed:
    return lambda life: life.add(*users)


def removing(user: str) -> Deed:
    return lambda life: life.remove(user)


def one_after_another(*deeds: Deed) -> Deed:
    async def run(life: Life) -> None:
        for deed in deeds:
            await deed(life)

    return run


def asking(
    action: Callable[..., Awaitable[Any]],
    user: str,
    request: type,
    of: str | None = None,
    **fields: object,
) -> Deed:
    """A deed of one request; `of` names the conversation."""

    def run(life: Life) -> Awaitable[object]:
        place = {} if of is None else {"conversation_id": life.ids[of]}
        values = {
            name: life.said[value[1:]].id if _is_message(value) else value
            for name, value in fields.items()
        }
        return life.does(action, user, request(**place, **values))

    return run


def _is_message(value: object) -> TypeGuard[str]:
    """`@early` stands for the id of the message that is called so."""
    return isinstance(value, str) and value.startswith("@")


def directing(action: Callable[..., Awaitable[Any]], asked: object) -> Deed:
    return lambda life: life.directs(action, asked)


def starting(starter: str, *others: str, **more: Any) -> Deed:
    return lambda life: start(life.school, starter, *others, **more)


def replying(author: str, to: str) -> Deed:
    return lambda life: send(
        life.school, author, life.ids["group"], "re", reply_to_id=life.said[to].id
    )


def state(action: Callable[..., Awaitable[Any]], request: type, of: str) -> Deed:
    return asking(action, "anna", request, of)


CLOSE, REOPEN = requests.CloseConversation, requests.ReopenConversation
DELETE, LEAVE = requests.DeleteConversation, requests.LeaveConversation
RENAME, MARKS = requests.RenameConversation, requests.SetConversationPreferences
READ, UNREAD = requests.MarkRead, requests.MarkUnread
COURSE = kinds.ROSTERS["course"]
DELETE_MATH = state(conversations.delete, DELETE, "course")

FOR_ONESELF = one_after_another(
    directing(
        policies.put,
        PutPolicy(
            tenant_id="school",
            policy={
                "rights": {
                    "send": {"direct": ["member"], "group": ["member"]},
                    "edit": {"direct": ["member"]},
                    "delete": {"direct": ["member"]},
                    "deleteConversation": {"direct": ["member"]},
                },
                "conversationDelete": {"direct": "for_me"},
            },
        ),
    ),
    asking(conversations.delete, "anna", DELETE, "direct"),
)


def lapsing(*kinds_: str) -> Deed:
    """The policy keeps conversations of these kinds for a day, and two days go by."""
    days = dict.fromkeys(kinds_, 1)

    async def run(life: Life) -> None:
        rule = PutPolicy(tenant_id="school", policy={"retainDays": days})
        await life.directs(policies.put, rule)
        life.school.clock.at_ms += 2 * DAY_MS
        assert (await Purger(life.school.context).purge()).messages > 0

    return run


def pupil(id_: str, **fields: Any) -> directory.PutUser:
    values: dict[str, Any] = {"name": id_.title(), "roles": ("student",)}
    return directory.PutUser(user_id=id_, **values | fields)


def seat(user: str, role: str = "student") -> directory.PutCourseMember:
    return directory.PutCourseMember(course_id="math", user_id=user, role=role)  # type: ignore[arg-type]


DEEDS: Mapping[str, Deed] = {
    # starting
    "start a direct one": starting("sue", "tom"),
    "start a direct one again": starting("anna", "sue"),
    "start a group": starting("anna", "ben", "sue", title="New"),
    "start with a message": starting(
        "anna", "tom", message=requests.FirstMessage(text="hello")
    ),
    "write to several one by one": starting(
        "anna",
        "sue",
        "tom",
        mode="individual",
        message=requests.FirstMessage(text="hello all"),
    ),
    "send to many": to_many(),
    "send to many, and they get it": to_many("deliver"),
    "send to many in the school's name": to_many("deliver", as_unit_id="region"),
    "send to many, and undo it": to_many("cancel", "deliver"),
    "send to many, and undo it in between": to_many("begin", "cancel", "deliver"),
    "send to many who can answer": to_many("deliver", replies="direct"),
    "start a course's": starting("ben", course="art"),
    "start a course's that is there": starting("tom", course="math"),
    # saying
    "say in a group": saying("tom", "group"),
    "say in a direct one": saying("anna", "direct"),
    "say in a course's": saying("sue", "course"),
    "say where nothing was said": saying("vic", "empty"),
    "say when it was marked unread": one_after_another(
        asking(reading.mark_unread, "sue", UNREAD, "group"), saying("sue", "group")
    ),
    "reply": replying("tom", "after vic came back"),
    "say much": one_after_another(*(saying("tom", "group") for _ in range(7))),
    "forward": forwarding_("tom", "last", "empty"),
    "forward what staff remove": one_after_another(
        forwarding_("tom", "vic's", "empty"), deleting("vic's", "anna")
    ),
    # editing
    "edit the last one": editing("last"),
    "edit behind uma": editing("anna's"),
    "edit behind uma again": editing("anna's", "anna's"),
    "edit behind vic again": editing("early"),
    "edit what uma never saw": editing("after uma left"),
    "edit what vic never saw": editing("while vic is away"),
    "edit in a direct one": editing("direct"),
    "edit in a course's behind uma": editing("course"),
    # deleting
    "delete the last one": deleting("last"),
    "delete behind uma": deleting("early"),
    "delete what is edited behind uma": one_after_another(
        editing("anna's"), deleting("anna's")
    ),
    "delete somebody's behind uma": deleting("vic's", "anna"),
    "delete uma's own behind uma": deleting("uma's", "anna"),
    "delete what uma never saw": deleting("after uma left", "anna"),
    "delete what vic never saw": deleting("while vic is away"),
    "delete in a direct one": deleting("direct"),
    "delete in a course's behind uma": deleting("course of uma", "anna"),
    "delete several behind uma": one_after_another(
        deleting("early"), deleting("anna's"), deleting("vic's")
    ),
    "hide the last one": hiding("last", "sue"),
    "hide an unread one": hiding("after uma left", "tom"),
    "hide one's own": hiding("early", "sue"),
    "hide, then an edit and a removal": one_after_another(
        hiding("last", "sue"),
        editing("last"),
        hiding("early", "tom"),
        deleting("early"),
    ),
    "hide, then news": one_after_another(
        hiding("last", "tom"), saying("anna", "group"), hiding("vic's", "tom")
    ),
    "hide twice": one_after_another(hiding("last", "sue"), hiding("last", "sue")),
    "hide, and who left": one_after_another(
        hiding("last", "sue"), removing("sue"), editing("last")
    ),
    "without a trace": one_after_another(
        directing(
            policies.put, PutPolicy(tenant_id="school", policy={"tombstone": "none"})
        ),
        deleting("last"),
    ),
    # waiting for a moderator
    "wait": waiting(),
    "wait, and be said": waiting("release", "release"),
    "wait, and be refused": waiting("refuse", "refuse"),
    "wait, and be taken back": waiting("take back", "release"),
    "wait, and who left": one_after_another(waiting(), removing("tom")),
    "wait for what is removed": one_after_another(waiting(), deleting("last")),
    # people
    "add": adding("ben"),
    "add several": adding("zed", "ben", "adam"),
    "add again": adding("uma"),
    "remove": removing("sue"),
    "remove again": removing("vic"),
    "remove and add": one_after_another(removing("tom"), adding("tom")),
    "away while much happens": one_after_another(
        removing("sue"),
        saying("tom", "group"),
        editing("anna's"),
        deleting("vic's"),
        editing("after vic came back"),
        adding("sue"),
        editing("last"),
        removing("sue"),
        deleting("last"),
    ),
    "add again after changes": one_after_another(
        editing("anna's"), deleting("vic's"), editing("anna's"), adding("uma")
    ),
    "leave": asking(conversations.leave, "tom", LEAVE, "group"),
    "leave, and changes": one_after_another(
        asking(conversations.leave, "tom", LEAVE, "group"),
        editing("last"),
        deleting("early"),
        saying("anna", "group"),
    ),
    "leave where nothing was said": asking(conversations.leave, "vic", LEAVE, "empty"),
    # the whole
    "rename": asking(conversations.rename, "sue", RENAME, "group", title="Other"),
    "rename, and who left": one_after_another(
        asking(conversations.rename, "sue", RENAME, "group", title="Other"),
        removing("sue"),
        asking(conversations.rename, "tom", RENAME, "group", title="Later"),
    ),
    "close": state(conversations.close, CLOSE, "group"),
    "close a course's": state(conversations.close, CLOSE, "course"),
    "close, and who left": one_after_another(
        removing("sue"), state(conversations.close, CLOSE, "group")
    ),
    "reopen": state(conversations.reopen, REOPEN, "closed"),
    "delete a course's": DELETE_MATH,
    "delete a course's and start anew": one_after_another(
        DELETE_MATH, starting("sue", course="math")
    ),
    "delete for oneself": FOR_ONESELF,
    "delete for oneself, then news": one_after_another(
        FOR_ONESELF, saying("sue", "direct")
    ),
    "delete for oneself, then edits of what was before": one_after_another(
        FOR_ONESELF, editing("direct"), deleting("direct")
    ),
    "delete the personal space": one_after_another(
        directing(policies.put, PutPolicy(tenant_id="school", preset="moodle")),
        starting("sue", "sue", message=requests.FirstMessage(text="note")),
    ),
    # for good
    "purge what is old": lapsing("group"),
    "purge what is old, and who left": one_after_another(
        removing("sue"), lapsing("group", "direct")
    ),
    "erase somebody": directing(erasing.erase, EraseUser(user_id="tom")),
    "erase who began it": directing(erasing.erase, EraseUser(user_id="anna")),
    "erase who has left": directing(erasing.erase, EraseUser(user_id="uma")),
    # reading
    "read": asking(reading.mark_read, "sue", READ, "group", seq=99),
    "read a part": asking(reading.mark_read, "tom", READ, "group", seq=5),
    "mark unread": asking(reading.mark_unread, "sue", UNREAD, "group"),
    "mark unread from a message on": asking(
        reading.mark_unread, "tom", UNREAD, "group", message_id="@anna's"
    ),
    "mark unread from before an absence": asking(
        reading.mark_unread, "vic", UNREAD, "group", message_id="@early"
    ),
    "mark unread, then news": one_after_another(
        asking(reading.mark_unread, "vic", UNREAD, "group", message_id="@early"),
        saying("anna", "group"),
        deleting("anna's"),
        removing("vic"),
        saying("anna", "group"),
        adding("vic"),
    ),
    "the first unread one goes": one_after_another(
        asking(reading.mark_read, "tom", READ, "group", seq=4),
        deleting("uma's", "anna"),
    ),
    # a person's own
    "marks": asking(
        conversations.set_preferences,
        "sue",
        MARKS,
        "group",
        starred=True,
        muted=True,
        draft="later",
    ),
    "archive": asking(
        conversations.set_preferences, "sue", MARKS, "group", archived=True
    ),
    "marks of who has left": asking(
        conversations.set_preferences, "uma", MARKS, "group", starred=True
    ),
    "a draft goes": one_after_another(
        asking(conversations.set_preferences, "sue", MARKS, "group", draft="a"),
        asking(conversations.set_preferences, "sue", MARKS, "group", draft=""),
    ),
    "settings": asking(
        me.update_preferences, "sue", requests.UpdatePreferences, enter_sends=True
    ),
    # the directory
    "onto the roster": directing(COURSE.put_member, seat("zed")),
    "onto the roster again": directing(COURSE.put_member, seat("uma")),
    "off the roster": directing(
        COURSE.delete_member,
        directory.DeleteCourseMember(course_id="math", user_id="sue"),
    ),
    "another role on the roster": directing(COURSE.put_member, seat("sue", "teacher")),
    "another name of the course": directing(
        COURSE.put, directory.PutCourse(course_id="math", name="Algebra")
    ),
    "the course goes": directing(
        COURSE.delete, directory.DeleteCourse(course_id="math")
    ),
    "messaging off": directing(people.put, pupil("sue", messaging_disabled=True)),
    "another role": directing(people.put, pupil("sue", roles=("teacher",))),
    "switched off": directing(people.put, pupil("sue", active=False)),
    "out of the directory": directing(
        people.delete, directory.DeleteUser(user_id="tom")
    ),
}
"""Everything that changes what anybody sees, alone and in telling orders."""
