"""If these fail, reports lie unread, are read by the wrong, or betray somebody."""

from pathlib import Path
from typing import Any

import pytest

from chatd.actions import (
    conversations,
    members,
    messages,
    paging,
    personal,
    reading,
    recovery,
)
from chatd.actions.directory import people
from chatd.actions.reporting import filing, reviewing
from chatd.domain.announcements import Hinted, Logged
from chatd.domain.people import Caller
from chatd.store.keeping import trail
from chatd.store.keeping.trail import Filter
from chatd.store.people import PutPerson
from chatd.store.tenants import PutTenant
from chatd_protocol.chat import requests
from chatd_protocol.chat.directory import PutUser
from chatd_protocol.chat.reporting.reports import (
    ListReports,
    Report,
    ResolveReport,
    WithdrawReport,
)
from chatd_protocol.chat.results import ReportRow
from tests.actions.deeds import (
    look,
    refused,
    report,
    report_whole,
    send,
    start,
    who,
)
from tests.actions.uploads import give, sees, upload
from tests.support.files import files_at
from tests.support.house import TENANT, House

LEAD = Caller(TENANT, "lead", frozenset({"safeguarding"}))
TEAM = Caller(TENANT, "team", frozenset({"moderation"}))


async def queue(school: House, whose: Caller | str, **more: Any) -> list[Report]:
    caller = who(whose) if isinstance(whose, str) else whose
    request = ListReports(box="queue", **more)
    return list((await reviewing.page(school.context, caller, request)).reports)


async def resolve(
    school: House, whose: Caller | str, report_id: str, **more: Any
) -> Report:
    caller = who(whose) if isinstance(whose, str) else whose
    more.setdefault("decision", "warned")
    request = ResolveReport(report_id=report_id, **more)
    return await reviewing.resolve(school.context, caller, request)


async def own(school: House, reporter: str) -> list[Report]:
    page = await reviewing.page(school.context, who(reporter), ListReports())
    return list(page.reports)


# --------------------------------------------------------------- a chosen teacher


async def test_the_teacher_sees_what_was_reported_and_removes_it(
    school: House,
) -> None:
    """A teacher who is no part of it could do nothing about it (ITS-79, ITS-88)."""
    private = await start(school, "uma", "tom")
    bad = await send(school, "tom", private.id, "go away")
    made = await report(school, "uma", bad.id)
    opened = await look(school, "anna", made.id)
    assert "deleteOthers" not in opened.denied
    assert opened.report.author is not None
    assert opened.report.author.name == "Tom"
    assert [one.text for one in opened.evidence[0].messages] == ["go away"]
    done = await resolve(
        school, "anna", made.id, decision="removed", remove_message=True, note="talked"
    )
    assert (done.state, done.decision, done.note) == ("resolved", "removed", "talked")
    page = requests.ListMessages(conversation_id=private.id)
    (seen,) = (await paging.page(school.context, who("tom"), page)).messages
    assert seen.removed is not None
    assert (seen.text, seen.removed.by and seen.removed.by.name) == (None, "Anna")
    again = await resolve(school, "anna", made.id, decision="noAction")
    assert again.decision == "removed", "what was decided stays decided"


async def test_nobody_else_looks_into_it(school: House) -> None:
    """Others would read a private talk, or learn that there is a report (ITS-79)."""
    private = await start(school, "uma", "tom")
    bad = await send(school, "tom", private.id)
    made = await report(school, "uma", bad.id)
    for other in ("ben", "adam", "tom", "uma", "sue"):
        await refused("not_found", look(school, other, made.id))
        await refused("not_found", resolve(school, other, made.id))
        assert await queue(school, other) == []
    await refused("not_found", look(school, TEAM, made.id))
    stranger = Caller("other", "anna", frozenset({"safeguarding", "moderation"}))
    await school.write(PutTenant("Other", "itslearning"), tenant="other")
    await refused("not_found", look(school, stranger, made.id))
    assert (await look(school, LEAD, made.id)).report.state == "open"
    assert [one.id for one in await queue(school, LEAD)] == [
        (await queue(school, "anna"))[0].id
    ]


async def test_the_reporter_hears_what_came_of_it(school: House) -> None:
    """A child would never know whether anybody cared (TUT-29)."""
    group = await start(school, "sue", "tom", "uma")
    bad = await send(school, "tom", group.id)
    made = await report(school, "sue", bad.id)
    before = (
        await recovery.sync(school.context, who("sue"), requests.Sync())
    ).personal_seq
    await resolve(school, "anna", made.id, decision="escalated", note="for us alone")
    asked = requests.Sync(personal_seq=before)
    news = (await recovery.sync(school.context, who("sue"), asked)).personal
    (row,) = [one for one in news if isinstance(one, ReportRow)]
    assert (row.report.state, row.report.decision) == ("resolved", "escalated")
    assert (row.report.note, row.report.resolved_by) == (None, None)
    assert type(personal.event(row, "now")).__name__ == "ReportResolved"
    request = WithdrawReport(report_id=made.id)
    kept = await filing.withdraw(school.context, who("sue"), request)
    assert kept.state == "resolved"


async def test_who_is_told_the_reporters_name(school: House) -> None:
    """A child would not dare to report, or a teacher not know whom to help (ITS-89)."""
    group = await start(school, "sue", "tom", "uma")
    bad = await send(school, "tom", group.id)
    made = await report(school, "sue", bad.id)
    opened = await look(school, "anna", made.id)
    assert opened.report.reporter is not None, "it came in a 1:1: she knows"
    await school.write(PutTenant("School", "tutoring"))
    talk = await start(school, "sue", "anna")
    bad = await send(school, "anna", talk.id)
    made = await report(school, "sue", bad.id, None)
    assert (await look(school, "adam", made.id)).report.reporter is None
    named = (await look(school, LEAD, made.id)).report.reporter
    assert named is not None
    assert named.id == "sue"


# ------------------------------------------------------------- the central queue


@pytest.fixture
async def tutoring(school: House) -> House:
    await school.write(PutTenant("School", "tutoring"))
    return school


async def test_one_queue_for_the_platforms_team(tutoring: House) -> None:
    """Reports would lie with tutors, who are reported themselves (TUT-27, TUT-28)."""
    talk = await start(tutoring, "sue", "anna")
    bad = await send(tutoring, "anna", talk.id, "call me")
    made = await report(tutoring, "sue", bad.id, None, reason="other")
    assert (made.teacher, made.sent_to) == (None, None)
    for reviewer in ("adam", TEAM):
        (row,) = await queue(tutoring, reviewer)
        assert (row.state, row.message_id) == ("open", bad.id)
    for other in ("anna", "ben", "sue"):
        assert await queue(tutoring, other) == []
    page = await reviewing.page(tutoring.context, who("sue"), ListReports())
    assert (page.teachers, page.reports) == (None, (made,))
    done = await resolve(tutoring, TEAM, row.id, remove_message=True)
    assert done.resolved_by is not None
    assert done.resolved_by.id == "team"
    assert await queue(tutoring, "adam", state="open") == []
    assert [one.state for one in await queue(tutoring, "adam")] == ["resolved"]
    assert [one.decision for one in await own(tutoring, "sue")] == ["warned"]
    history = requests.ListMessages(conversation_id=talk.id)
    (seen,) = (await paging.page(tutoring.context, who("sue"), history)).messages
    assert seen.removed is not None
    assert seen.removed.by is None


async def test_an_admin_never_sees_a_report_of_himself(tutoring: House) -> None:
    """Whoever is reported would know that, and could decide about it."""
    await tutoring.people("olga", role="owner")
    talk = await start(tutoring, "adam", "sue")
    bad = await send(tutoring, "adam", talk.id)
    made = await report(tutoring, "sue", bad.id, None)
    assert await queue(tutoring, "adam") == []
    await refused("not_found", look(tutoring, "adam", made.id))
    assert len(await queue(tutoring, "olga")) == 1


async def test_reports_of_one_thing_are_one_row(school: House) -> None:
    """The number of reporters would tell who they are (5.2), or a queue be flooded."""
    group = await start(school, "sue", "tom", "uma")
    bad = await send(school, "tom", group.id)
    first = await report(school, "sue", bad.id)
    second = await report(school, "uma", bad.id)
    (row,) = await queue(school, "anna")
    opened = await look(school, "anna", row.id)
    assert len(opened.evidence) == 1
    assert "count" not in repr(opened).lower()
    request = WithdrawReport(report_id=first.id)
    await filing.withdraw(school.context, who("sue"), request)
    (row,) = await queue(school, "anna")
    await refused("not_found", look(school, "anna", first.id))
    await resolve(school, "anna", row.id)
    assert [one.state for one in await own(school, "uma")] == ["resolved"]
    assert [one.state for one in await own(school, "sue")] == ["withdrawn"]
    assert second.id == (await own(school, "uma"))[0].id


async def test_a_long_queue_comes_in_pages(school: House) -> None:
    """What is on no page is never looked at."""
    group = await start(school, "sue", "tom", "uma")
    made = []
    for _ in range(5):
        bad = await send(school, "tom", group.id)
        made.append(await report(school, "sue", bad.id))
    for box in ("mine", "queue"):
        reader, found, cursor = ("sue" if box == "mine" else "anna"), [], None
        while True:
            request = ListReports(box=box, limit=2, cursor=cursor)
            page = await reviewing.page(school.context, who(reader), request)
            found += [one.message_id for one in page.reports]
            if (cursor := page.next) is None:
                break
        assert found == [one.message_id for one in reversed(made)]


# ----------------------------------------------------------- a guest in a group


async def group_of(school: House) -> tuple[str, Report]:
    group = await start(school, "sue", "tom", "uma")
    await send(school, "tom", group.id, "bad words")
    return group.id, await report_whole(school, "sue", group.id)


async def seen_by(school: House, reader: str, id_: str) -> Any:
    """All that somebody can ask for of a conversation."""
    context, caller = school.context, who(reader)
    return (
        await conversations.get(
            context, caller, requests.GetConversation(conversation_id=id_)
        ),
        await members.page(
            context, caller, requests.ListParticipants(conversation_id=id_)
        ),
        await paging.page(context, caller, requests.ListMessages(conversation_id=id_)),
        await recovery.sync(
            context, caller, requests.Sync(personal_seq=0, cursors={id_: 0})
        ),
        await reading.acquainted(context, caller, ["anna", "ben", "tom", "sue"]),
    )


async def test_a_guest_comes_unseen(school: House) -> None:
    """The others would see the teacher come in, and know why (ITS-68, 86, 90)."""
    id_, made = await group_of(school)
    before = [await seen_by(school, reader, id_) for reader in ("tom", "uma")]
    school.announced.clear()
    opened = await look(school, "anna", made.id, enter=True)
    assert opened.conversation is not None
    assert opened.conversation.guest
    assert opened.conversation.participant_count == 3
    read = requests.MarkRead(conversation_id=id_, seq=99)
    await reading.mark_read(school.context, who("anna"), read)
    await reading.typing(
        school.context, who("anna"), requests.Typing(conversation_id=id_)
    )
    told = [one for one in school.announced if isinstance(one, Logged | Hinted)]
    assert told == []
    listed = requests.ListParticipants(conversation_id=id_)
    page = await members.page(school.context, who("anna"), listed)
    assert [one.id for one in page.participants] == ["sue", "tom", "uma"]
    assert [await seen_by(school, one, id_) for one in ("tom", "uma")] == before


async def test_what_a_guest_may_do(school: House) -> None:
    """The teacher could only look on (ITS-91)."""
    id_, made = await group_of(school)
    opened = await look(school, "anna", made.id, enter=True)
    assert opened.conversation is not None
    denied = opened.conversation.denied
    assert not {"send", "deleteOthers", "close", "deleteConversation"} & denied.keys()
    assert {"addParticipants", "removeParticipants", "rename"} <= denied.keys()
    said = await send(school, "anna", id_, "stop it")
    page = requests.ListMessages(conversation_id=id_)
    found = (await paging.page(school.context, who("tom"), page)).messages
    assert found[-1].id == said.id
    delete = requests.DeleteMessage(message_id=found[0].id)
    await messages.delete(school.context, who("anna"), delete)
    close = requests.CloseConversation(conversation_id=id_)
    await conversations.close(school.context, who("anna"), close)
    gone = requests.DeleteConversation(conversation_id=id_)
    await conversations.delete(school.context, who("anna"), gone)
    left = (await seen_by(school, "tom", id_))[0]
    assert (left.state, left.participant_count) == ("deleted", 3)


async def test_a_guest_is_not_removed(school: House) -> None:
    """A pupil could throw the teacher out (ITS-68)."""
    group = await start(school, "adam", "tom", "sue")
    made = await report_whole(school, "sue", group.id)
    await look(school, "anna", made.id, enter=True)
    out = requests.RemoveParticipant(conversation_id=group.id, user_id="anna")
    await members.remove(school.context, who("adam"), out)
    assert (await send(school, "anna", group.id)).author.id == "anna"
    add = requests.AddParticipants(conversation_id=group.id, user_ids=("anna",))
    added = await members.add(school.context, who("adam"), add)
    assert added.conversation.participant_count == 4, "as anybody else is added"
    assert (await seen_by(school, "anna", group.id))[0].guest is None
    await members.remove(school.context, who("adam"), out)
    await refused("not_participant", send(school, "anna", group.id))


@pytest.mark.parametrize("end", ["leave", "withdraw", "resolve"])
async def test_a_guest_goes_with_the_report(school: House, end: str) -> None:
    """A teacher would read on in a private talk when there is no reason any more."""
    id_, made = await group_of(school)
    await look(school, "anna", made.id, enter=True)
    await send(school, "anna", id_, "I am here")
    read = requests.MarkRead(conversation_id=id_, seq=1)
    await reading.mark_read(school.context, who("anna"), read)
    if end == "leave":
        leave = requests.LeaveConversation(conversation_id=id_)
        await conversations.leave(school.context, who("anna"), leave)
    elif end == "withdraw":
        request = WithdrawReport(report_id=made.id)
        await filing.withdraw(school.context, who("sue"), request)
    else:
        await resolve(school, "anna", made.id)
    await refused("not_found", send(school, "anna", id_))
    for name in ("all", "closed", "unread"):
        asked = requests.ListConversations(filter=name)
        page = await conversations.page(school.context, who("anna"), asked)
        assert id_ not in [one.id for one in page.conversations]
    sync = await recovery.sync(
        school.context, who("anna"), requests.Sync(personal_seq=0, cursors={id_: 0})
    )
    (row,) = [one for one in sync.personal if getattr(one, "conversation_id", 0) == id_]
    assert (row.member, row.conversation, row.left_seq) == (False, None, 0)  # type: ignore[union-attr]
    assert [one.conversation_id for one in sync.conversations] == []
    if end == "leave":
        assert (await look(school, "anna", made.id, enter=True)).conversation
    else:
        await refused(
            "not_found" if end == "withdraw" else "forbidden",
            look(school, "anna", made.id, enter=True),
        )


async def test_one_message_opens_no_conversation(school: House) -> None:
    """A report of one message would open a whole private talk (ITS-79, ITS-90)."""
    group = await start(school, "sue", "tom", "uma")
    bad = await send(school, "tom", group.id)
    made = await report(school, "sue", bad.id)
    await refused("forbidden", look(school, "anna", made.id, enter=True))
    await refused("not_found", send(school, "anna", group.id))


async def test_a_guests_own_news_tell_the_others_nothing(school: House) -> None:
    """A teacher's new photo would be announced where nobody knows of him (5.2)."""
    id_, made = await group_of(school)
    await look(school, "anna", made.id, enter=True)
    school.announced.clear()
    other = PutUser(user_id="anna", name="Anna B", roles=("teacher",))
    await people.put(school.context, school.platform, other)
    hinted = [one for one in school.announced if isinstance(one, Hinted)]
    assert id_ not in [one.conversation_id for one in hinted]
    assert hinted, "elsewhere she is somebody to be told of"


async def test_a_former_member_can_be_a_guest(school: House) -> None:
    """What he saw before would be shown twice, or be lost when the report is over."""
    group = await start(school, "anna", "tom", "sue")
    first = await send(school, "tom", group.id, "first")
    leave = requests.LeaveConversation(conversation_id=group.id)
    await conversations.leave(school.context, who("anna"), leave)
    await send(school, "tom", group.id, "behind her back")
    made = await report_whole(school, "sue", group.id)
    page = requests.ListMessages(conversation_id=group.id)

    async def read() -> list[str | None]:
        found = await paging.page(school.context, who("anna"), page)
        return [one.text for one in found.messages]

    assert await read() == ["first"]
    await look(school, "anna", made.id, enter=True)
    assert await read() == ["first", "behind her back"]
    await resolve(school, "anna", made.id)
    assert await read() == ["first"]
    assert first.text == "first"


async def test_off_the_books_people_do_not_enter(school: House) -> None:
    """A service would sit in a conversation under a name that nobody has."""
    _, made = await group_of(school)
    await refused("forbidden", look(school, LEAD, made.id, enter=True))
    await school.write(PutPerson("lead", "Lead", ("admin",)))
    assert (await look(school, LEAD, made.id, enter=True)).conversation


async def test_files_are_kept_with_the_report(school: House, tmp_path: Path) -> None:
    """A picture would be gone as soon as its sender deletes it (5.2)."""
    files = files_at(tmp_path / "files")
    group = await start(school, "sue", "tom", "uma")
    mine = await upload(school, files, "tom", b"a mean picture", "mean.txt")
    bad = await give(school, "tom", group.id, mine.id)
    made = await report(school, "sue", bad.id)
    delete = requests.DeleteMessage(message_id=bad.id)
    await messages.delete(school.context, who("tom"), delete)
    (seen,) = (await look(school, "anna", made.id)).evidence[0].messages
    assert seen.attachments is not None
    (kept,) = seen.attachments
    assert kept.name == "mean.txt"
    assert await sees(school, files, "anna", kept.id) == b"a mean picture"
    for other in ("tom", "uma", "ben"):
        await refused("not_found", sees(school, files, other, kept.id))
    await refused("not_found", sees(school, files, "anna", mine.id))
    # What staff take away goes everywhere, but for the evidence.
    again = await upload(school, files, "tom", b"another", "mean.txt")
    bad = await give(school, "tom", group.id, again.id)
    made = await report(school, "sue", bad.id)
    await resolve(school, "anna", made.id, remove_message=True)
    *_, seen = (await look(school, "anna", made.id)).evidence[0].messages
    assert seen.attachments is not None
    assert await sees(school, files, "anna", seen.attachments[0].id) == b"another"


async def test_every_look_is_noted(school: House) -> None:
    """Staff would read about children, and nobody know who did (5.4)."""
    group = await start(school, "sue", "tom", "uma")
    made = await report_whole(school, "sue", group.id)
    await queue(school, "anna")
    await look(school, "anna", made.id, enter=True)
    await resolve(school, "anna", made.id)
    await own(school, "sue")
    rows = await school.context.store.read(trail.page, TENANT, Filter(), 2**53, 20)
    mine = [(one.deed, one.actor_id) for one in rows if one.actor_id != "lms"]
    assert mine == [
        ("report.resolved", "anna"),
        ("conversation.read", "anna"),
        ("reports.read", "anna"),
        ("reports.read", "anna"),
    ]
