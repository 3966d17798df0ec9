"""If these fail, a platform's story does not happen over the wire as it is told.

The official client in Node, one connection for each person, in a tenant of each preset
on one server; every refusal comes with its code, and live events say what changed.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import httpx2
import pytest

from tests.end_to_end.cast import program_of_node
from tests.support.devices import TARGETS
from tests.support.lines import Driver, DriverError, driving
from tests.support.server import Server, serving
from tests.support.tokens import token
from tests.support.waiting import wait_until

_ids = count(1)

PEOPLE: dict[str, dict] = {
    "olga": {"roles": ["owner"]},
    "adam": {"roles": ["admin"]},
    "anna": {"roles": ["teacher"]},
    "ben": {"roles": ["teacher"]},
    "leo": {"roles": ["supervisor"], "supervises": ["sue"]},
    "sue": {"roles": ["student"]},
    "tom": {"roles": ["student"]},
    "uma": {"roles": ["student"]},
    "zed": {"roles": ["student"]},
    "gus": {"roles": ["guest"]},
}
ROSTERS: dict[str, dict] = {
    "courses/math": {"name": "Mathematics"},
    "courses/art": {"name": "Art"},
    "groups/b1": {"name": "Batch 1", "courseId": "math", "kind": "batch"},
    "groups/g1": {"name": "Group 1", "courseId": "math", "kind": "courseGroup"},
}
SEATS = (
    ("courses/math", "anna", "instructor"),
    ("courses/math", "sue", "student"),
    ("courses/math", "tom", "student"),
    ("courses/math", "uma", "student"),
    ("courses/art", "ben", "teacher"),
    ("courses/art", "zed", "student"),
    ("groups/b1", "sue", "student"),
    ("groups/b1", "tom", "student"),
    ("groups/g1", "sue", "student"),
    ("groups/g1", "uma", "student"),
)


@dataclass
class Stage:
    """A tenant of one preset, and its people's connections."""

    server: Server
    program: Driver
    tenant: str
    events: list[dict] = field(default_factory=list)

    async def tell(
        self,
        method: str,
        path: str,
        body: dict | None = None,
        scopes: str = "directory admin",
    ) -> dict:
        """A deed of the platform."""
        sent = token("lms", tenant=self.tenant, scope=scopes)
        headers = {"Authorization": f"Bearer {sent}"}
        async with httpx2.AsyncClient(headers=headers) as http:
            url = f"{self.server.url}/v1/{path}"
            answer = await http.request(method, url, json=body)
        assert answer.is_success, answer.text
        found: dict = answer.json() if answer.content else {}
        return found

    async def call(self, user: str, method: str, **argument: object) -> dict:
        name = f"{self.tenant}-{user}"
        found = await self.program.do(
            "call", name=name, method=method, argument=argument
        )
        assert isinstance(found, dict)
        return found

    async def refused(
        self, code: str, user: str, method: str, **argument: object
    ) -> None:
        with pytest.raises(DriverError, match=rf"^{code}: "):
            await self.call(user, method, **argument)

    async def start(self, user: str, *others: str, **more: object) -> dict:
        started = await self.call(user, "StartConversation", **asked(*others, **more))
        found: dict = started["conversation"]
        return found

    async def send(self, user: str, to: dict, text: str = "hello") -> dict:
        return await self.call(user, "SendMessage", **said(to, text))

    async def hears(self, user: str, what: str) -> dict:
        """Waits for an event on somebody's connection."""
        name = f"{self.tenant}-{user}"

        def found() -> dict | None:
            mine = (one["body"] for one in self.events if one["name"] == name)
            return next((body for body in mine if body["type"] == what), None)

        await wait_until(found, what=f"{user} to hear {what}")
        body = found()
        assert body is not None
        return body


def asked(*others: str, **more: object) -> dict:
    recipients = [{"kind": "user", "id": id_} for id_ in others]
    return {"recipients": recipients, "clientRequestId": f"r{next(_ids)}", **more}


def said(to: dict, text: str = "hello") -> dict:
    key = f"k{next(_ids)}"
    return {"conversationId": to["id"], "clientMessageId": key, "text": text}


@asynccontextmanager
async def on_stage(tmp_path: Path, preset: str) -> AsyncIterator[Stage]:
    events: list[dict] = []
    async with (
        serving(tmp_path / "data") as server,
        driving(*program_of_node(), on_event=events.append) as program,
    ):
        stage = Stage(server, program, preset, events)
        tenant = {"name": preset, "preset": preset}
        await stage.tell("PUT", f"tenants/{preset}", tenant)
        for id_, person in PEOPLE.items():
            await stage.tell("PUT", f"users/{id_}", {"name": id_.title(), **person})
        for path, body in ROSTERS.items():
            await stage.tell("PUT", path, body)
        for path, user, role in SEATS:
            await stage.tell("PUT", f"{path}/members/{user}", {"role": role})
        for user in PEOPLE:
            await program.do(
                "connect",
                name=f"{preset}-{user}",
                url=server.hub_url,
                token=token(user, tenant=preset),
                transport="WebSockets",
                protocol="json",
                targets=list(TARGETS),
            )
        yield stage


async def test_ispring(tmp_path: Path) -> None:
    """ISP-1 … 8, 13 … 18, 24, 25, 28, 33: a portal would not be the portal."""
    async with on_stage(tmp_path, "ispring-limited") as stage:
        talk = await stage.start("olga", "zed")
        await stage.send("olga", talk)
        await stage.hears("zed", "message.created")
        await stage.send("zed", talk)
        begin = "StartConversation"
        await stage.refused("no_relationship", "uma", begin, **asked("tom"))
        await stage.refused("no_relationship", "uma", begin, **asked("adam"))
        await stage.refused("role_cannot_initiate", "gus", begin, **asked("adam"))
        group = asked("tom", "uma")
        await stage.refused("role_cannot_initiate", "sue", begin, **group)
        await stage.start("leo", "sue")
        question = await stage.start("sue", "anna")
        sent = await stage.send("sue", question)
        words = {"messageId": sent["id"], "text": "other"}
        await stage.refused("forbidden", "sue", "EditMessage", **words)
        gone = await stage.call("sue", "DeleteMessage", messageId=sent["id"])
        assert gone["removed"]["notice"] == "removed_without_trace"
        await stage.call("anna", "DeleteConversation", conversationId=question["id"])
        await stage.tell("DELETE", "courses/math/members/anna")
        told = await stage.hears("sue", "permissions.changed")
        assert told["denied"]["send"] == "relationship_ended"
        ended = "relationship_ended"
        await stage.refused(ended, "sue", "SendMessage", **said(question))
        off = {"policy": {"enabled": False}}
        await stage.tell("PUT", f"tenants/{stage.tenant}/policy", off)
        off_code = "messaging_disabled_site"
        await stage.refused(off_code, "zed", "SendMessage", **said(talk))
        await stage.tell("PUT", f"tenants/{stage.tenant}/policy", {})
        await stage.send("zed", talk)


async def test_itslearning(tmp_path: Path) -> None:
    """ITS-3, 15 … 22, 37, 41, 65 … 67, 76, 99 … 103, 108, 118 … 123: a school."""
    async with on_stage(tmp_path, "itslearning") as stage:
        lesson = await stage.call(
            "anna",
            "StartConversation",
            recipients=[{"kind": "course", "id": "math"}],
            clientRequestId="lesson",
        )
        course = lesson["conversation"]
        mine = {"conversationId": course["id"]}
        await stage.refused("not_found", "zed", "SendMessage", **said(course))
        await stage.tell("PUT", "courses/math/members/zed", {"role": "student"})
        await stage.hears("zed", "conversation.joined")
        insult = await stage.send("zed", course, "an insult")
        await stage.refused("forbidden", "sue", "DeleteMessage", messageId=insult["id"])
        gone = await stage.call("anna", "DeleteMessage", messageId=insult["id"])
        assert gone["removed"]["by"]["name"] == "Anna"
        await stage.refused("forbidden", "sue", "LeaveConversation", **mine)
        out = {**mine, "userId": "zed"}
        await stage.refused("forbidden", "anna", "RemoveParticipant", **out)
        await stage.call("anna", "CloseConversation", **mine)
        await stage.hears("sue", "conversation.closed")
        closed = "conversation_closed"
        await stage.refused(closed, "sue", "SendMessage", **said(course))
        await stage.call("anna", "ReopenConversation", **mine)
        await stage.call("anna", "DeleteConversation", **mine)
        deleted = "conversation_deleted"
        await stage.refused(deleted, "sue", "SendMessage", **said(course))
        group = await stage.start("sue", "tom", "uma")
        await stage.call(
            "sue", "AddParticipants", conversationId=group["id"], userIds=["anna"]
        )
        out = {"conversationId": group["id"], "userId": "uma"}
        await stage.refused("forbidden", "sue", "RemoveParticipant", **out)
        await stage.call("anna", "RemoveParticipant", **out)
        gone_code = "not_participant"
        await stage.refused(gone_code, "uma", "SendMessage", **said(group))
        begin = "StartConversation"
        await stage.refused("no_relationship", "sue", begin, **asked("ben"))
        many = asked("sue", "tom", mode="individual", message={"text": "to each"})
        sent = await stage.call("anna", begin, **many)
        assert sent["individual"]["count"] == 2
        entry = sent["conversation"]
        await stage.refused("mass_no_reply", "anna", "SendMessage", **said(entry))
        await to_a_whole_school(stage)
        tom = {"name": "Tom", "roles": ["student"], "messagingDisabled": True}
        await stage.tell("PUT", "users/tom", tom)
        sender = "messaging_disabled_sender"
        await stage.refused(sender, "tom", "SendMessage", **said(group))
        off = "messaging_disabled_recipient"
        await stage.refused(off, "uma", begin, **asked("tom"))


async def test_itslearning_reports(tmp_path: Path) -> None:
    """ITS-68, 82 … 93: a bad word, a bad group, and a teacher who comes unseen."""
    async with on_stage(tmp_path, "itslearning") as stage:
        group = await stage.start("sue", "tom", "uma")
        here = {"conversationId": group["id"]}
        bad = await stage.send("tom", group, "a bad word")
        listed = await stage.call("sue", "ListReports")
        assert "Anna" in [one["name"] for one in listed["teachers"]]
        about = {"messageId": bad["id"], "clientRequestId": "one", "text": "he did it"}
        await stage.refused(
            "forbidden", "sue", "ReportMessage", teacherId="ben", **about
        )
        await stage.refused(
            "forbidden", "tom", "ReportMessage", teacherId="anna", **about
        )
        made = await stage.call("sue", "ReportMessage", teacherId="anna", **about)
        assert (await stage.hears("sue", "report.created"))["report"] == made
        await stage.hears("anna", "conversation.joined")
        brought = {"conversationId": made["sentTo"]}
        (said_so,) = (await stage.call("anna", "ListMessages", **brought))["messages"]
        assert (said_so["reportId"], said_so["text"]) == (made["id"], "he did it")
        opened = await stage.call("anna", "OpenReport", reportId=made["id"])
        assert opened["evidence"][0]["messages"][0]["text"] == "a bad word"
        await stage.refused("not_found", "tom", "OpenReport", reportId=made["id"])
        decided = {"reportId": made["id"], "decision": "removed"}
        await stage.call("anna", "ResolveReport", removeMessage=True, **decided)
        gone = await stage.hears("tom", "message.removed")
        assert gone["message"]["removed"]["by"]["name"] == "Anna"
        told = await stage.hears("sue", "report.resolved")
        assert told["report"]["decision"] == "removed"
        whole = await stage.call(
            "uma", "ReportConversation", clientRequestId="two", teacherId="anna", **here
        )
        await stage.refused("not_found", "anna", "GetConversation", **here)
        entered = await stage.call(
            "anna", "OpenReport", reportId=whole["id"], enter=True
        )
        assert entered["conversation"]["guest"]
        people = await stage.call("tom", "ListParticipants", **here)
        assert people["count"] == 3
        await stage.send("anna", group, "stop it")
        await stage.call("anna", "DeleteConversation", **here)
        await stage.hears("tom", "conversation.deleted")
        await stage.call("anna", "RestoreConversation", **here)
        await stage.hears("tom", "conversation.restored")
        await stage.call("uma", "WithdrawReport", reportId=whole["id"])
        await stage.hears("anna", "conversation.left")
        await stage.refused("not_found", "anna", "SendMessage", **said(group))
        mine = [
            one["body"]["type"] for one in stage.events if one["name"].endswith("-tom")
        ]
        assert not [one for one in mine if one.startswith("report")]


async def to_a_whole_school(stage: Stage) -> None:
    """A privilege, a count, progress, one message for everybody, no answers."""
    mass = {"privileges": ["massMessaging"], "undoS": 0}
    where = f"tenants/{stage.tenant}/policy"
    await stage.tell("PUT", where, {"policy": {"mass": mass}})
    await stage.tell("PUT", "units/school", {"name": "Our School"})
    for user in ("anna", "sue", "tom"):
        await stage.tell("PUT", f"units/school/members/{user}", {"role": "student"})
    await stage.refused("forbidden", "anna", "PreviewAudience")
    may = {"name": "Anna", "roles": ["teacher"], "privileges": ["massMessaging"]}
    await stage.tell("PUT", "users/anna", may)
    found = await stage.call("anna", "PreviewAudience", roles=["student"])
    assert found["roles"] == [{"role": "student", "count": 2}]
    sent = await stage.call(
        "anna",
        "SendMassMessage",
        roles=["student"],
        asUnitId="school",
        message={"text": "School is closed."},
        clientRequestId="snow",
    )
    assert sent["sender"]["name"] == "Our School"

    def everybody_has_it() -> bool:
        told = [one["body"] for one in stage.events]
        return any(
            one["type"] == "mass.progress" and one["massMessage"]["delivered"] == 2
            for one in told
        )

    await wait_until(everybody_has_it, what="everybody to have it")
    page = await stage.call("sue", "ListConversations", filter="unread")
    (own,) = [one for one in page["conversations"] if one["id"] == sent["id"]]
    assert own["lastMessage"]["author"] == sent["sender"]
    await stage.refused("mass_no_reply", "sue", "SendMessage", **said(own))
    undo = {"massMessageId": sent["id"]}
    await stage.refused("edit_window_over", "anna", "CancelMassMessage", **undo)


async def test_tutoring(tmp_path: Path) -> None:
    """TUT-1, 12 … 22, 34, 35: an inbox of tutors and students of batches."""
    async with on_stage(tmp_path, "tutoring") as stage:
        begin, no = "StartConversation", "no_relationship"
        talk = await stage.start("sue", "anna")
        await stage.send("sue", talk)
        await stage.hears("anna", "message.created")
        await stage.start("sue", "tom")
        for stranger in ("uma", "zed", "ben", "adam", "nobody"):
            await stage.refused(no, "sue", begin, **asked(stranger))
        await stage.refused(no, "anna", begin, **asked("uma"))
        await stage.start("anna", "ben")
        from_admin = await stage.start("adam", "uma")
        await stage.send("uma", from_admin)
        await stage.refused("forbidden", "sue", begin, **asked("tom", "anna"))
        found = await stage.call("sue", "SearchRecipients", text="")
        assert {one["id"] for one in found["recipients"]} == {"anna", "tom"}
        sent = await stage.send("sue", talk, "a question")
        words = {"messageId": sent["id"], "text": "other"}
        await stage.refused("forbidden", "sue", "EditMessage", **words)
        await stage.refused("forbidden", "sue", "DeleteMessage", messageId=sent["id"])
        whole = {"conversationId": talk["id"]}
        await stage.refused("forbidden", "sue", "DeleteConversation", **whole)
        await stage.tell("DELETE", "courses/math/members/sue")
        told = await stage.hears("anna", "permissions.changed")
        assert told["denied"]["send"] == "relationship_ended"
        ended = "relationship_ended"
        await stage.refused(ended, "sue", "SendMessage", **said(talk))


async def test_tutoring_reports(tmp_path: Path) -> None:
    """TUT-27 … 29: one queue for the platform's team, a decision, and an answer."""
    async with on_stage(tmp_path, "tutoring") as stage:
        talk = await stage.start("sue", "anna")
        bad = await stage.send("anna", talk, "come alone")
        made = await stage.call(
            "sue",
            "ReportMessage",
            messageId=bad["id"],
            clientRequestId="one",
            reason="threat",
        )
        assert "teacher" not in made
        assert (await stage.call("anna", "ListReports", box="queue"))["reports"] == []
        queue = await stage.tell(
            "GET", "moderation/reports?box=queue", scopes="moderation"
        )
        (row,) = queue["reports"]
        assert (row["reason"], row["author"]["name"]) == ("threat", "Anna")
        assert "reporter" not in row
        one = f"moderation/reports/{row['id']}"
        opened = await stage.tell("POST", f"{one}/open", {}, scopes="moderation")
        assert opened["message"]["text"] == "come alone"
        decided = {"decision": "warned", "removeMessage": True, "note": "called her"}
        await stage.tell("POST", f"{one}/resolve", decided, scopes="moderation")
        told = await stage.hears("sue", "report.resolved")
        assert (told["report"]["decision"], "note" in told["report"]) == (
            "warned",
            False,
        )
        await stage.hears("anna", "message.removed")
        trail = await stage.tell("GET", "audit", scopes="safeguarding")
        deeds = [entry["deed"] for entry in trail["entries"]]
        assert deeds.count("reports.read") == 3
        assert "report.resolved" in deeds


async def test_tutors_hours_and_contact_data(tmp_path: Path) -> None:
    """TUT-25, 26, 30 … 32: what students are shown, and had better not say."""
    async with on_stage(tmp_path, "tutoring") as stage:
        hours = [{"day": day, "start": "00:00", "end": "24:00"} for day in range(1, 8)]
        stated = {"timeZone": "Asia/Kolkata", "hours": hours}
        anna = PEOPLE["anna"] | {"name": "Anna", "availability": stated}
        await stage.tell("PUT", "users/anna", anna)
        talk = await stage.start("sue", "anna")
        whole = {"conversationId": talk["id"]}
        shown = await stage.call("sue", "GetConversation", **whole)
        (tutor,) = shown["participants"]
        assert tutor["availability"] == stated | {"availableNow": True}

        number = "call me: +91 98765 43210"
        found = {"treatment": "warn_sender", "contactData": ["phone"]}
        sent = await stage.send("sue", talk, number)
        assert sent["warning"] == found
        told = await stage.hears("anna", "message.created")
        assert told["message"]["text"] == number
        assert "warning" not in told["message"]
        team = "moderation"
        flags = await stage.tell("GET", "flagged-messages", scopes=team)
        assert [one["message"]["id"] for one in flags["messages"]] == [sent["id"]]

        rules = {"policy": {"pii": {"phone": "hold", "social": "block"}}}
        await stage.tell("PUT", f"tenants/{stage.tenant}/policy", rules)
        handle = said(talk, "@sue_92")
        await stage.refused("content_held", "sue", "SendMessage", **handle)
        waits = await stage.send("sue", talk, number)
        assert (waits["held"], waits["seq"]) == ("waiting", 0)
        held = await stage.tell("GET", "held-messages", scopes=team)
        (one,) = held["messages"]
        assert (one["id"], one["message"]["text"]) == (waits["id"], number)
        release = f"held-messages/{one['id']}/release"
        await stage.tell("POST", release, {}, scopes=team)
        page = await stage.call("anna", "ListMessages", **whole)
        assert [one["id"] for one in page["messages"]] == [sent["id"], waits["id"]]


async def test_moodle(tmp_path: Path) -> None:
    """MOO-17 … 23, 32, 41 … 49, 52 … 57, 62, 63, 65: a site and its courses."""
    async with on_stage(tmp_path, "moodle") as stage:
        begin, no = "StartConversation", "no_relationship"
        talk = await stage.start("sue", "tom")
        sent = await stage.send("tom", talk)
        await stage.refused(no, "sue", begin, **asked("zed"))
        await stage.refused(no, "sue", begin, **asked("gus"))
        await stage.refused("role_cannot_initiate", "gus", begin, **asked("sue"))
        await stage.start("adam", "zed")
        own = await stage.start("sue", "sue")
        assert (own["kind"], own["starred"]) == ("self", True)
        page = await stage.call("uma", "ListConversations")
        (group,) = page["conversations"]
        assert (group["kind"], group["participantCount"]) == ("courseGroup", 2)
        await stage.refused(
            "forbidden", "uma", "LeaveConversation", conversationId=group["id"]
        )
        await stage.tell("PUT", "groups/g1/members/tom", {"role": "student"})
        await stage.send("tom", group)
        hide = {"messageId": sent["id"], "scope": "me"}
        gone = await stage.call("sue", "DeleteMessage", **hide)
        assert gone["removed"]["notice"] == "hidden_for_me"
        await stage.refused("forbidden", "sue", "DeleteMessage", messageId=sent["id"])
        await stage.call("sue", "DeleteConversation", conversationId=talk["id"])
        listed = await stage.call("sue", "ListConversations")
        assert talk["id"] not in [one["id"] for one in listed["conversations"]]
        await stage.send("tom", talk, "again")
        listed = await stage.call("sue", "ListConversations")
        assert talk["id"] in [one["id"] for one in listed["conversations"]]
        many = asked("sue", "tom", mode="individual", message={"text": "to each"})
        await stage.refused("forbidden", "uma", begin, **many)
        await stage.call("anna", begin, **many)
        await stage.tell("DELETE", "courses/math/members/tom")
        await stage.refused(no, "sue", "SendMessage", **said(talk))
