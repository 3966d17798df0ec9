"""If these fail, a platform's own story does not happen as its description tells it.

Each story is played through the actions that both doors call, under its preset.
"""

from typing import Any

import pytest

from chatd.actions import conversations, me, members, messages, paging, reading
from chatd.actions.directory import kinds, people, policies
from chatd.actions.reporting import reviewing
from chatd.actions.starting import previewing, searching
from chatd.actions.starting import start as starting
from chatd.domain.announcements import PersonalMoved
from chatd.domain.people import Details
from chatd.store.people import PutPerson
from chatd.store.rosters import PutRoster, PutRosterMember
from chatd.store.tenants import PutTenant
from chatd_protocol.chat import directory, requests
from chatd_protocol.chat.objects import Conversation
from chatd_protocol.chat.policy import GetPolicy, PutPolicy
from chatd_protocol.chat.reporting.reports import ListReports, ResolveReport
from tests.actions.deeds import look, refused, report, send, start, who
from tests.support.house import TENANT, House


async def following(school: House, preset: str) -> House:
    await school.write(PutTenant("School", preset))
    school.announced.clear()
    return school


async def get(school: House, reader: str, id_: str) -> Conversation:
    request = requests.GetConversation(conversation_id=id_)
    return await conversations.get(school.context, who(reader), request)


async def badge(school: House, reader: str) -> tuple[int, int]:
    found = await reading.unread(school.context, who(reader), requests.GetUnread())
    return found.messages, found.conversations


async def rule(school: House, **policy: object) -> None:
    request = PutPolicy(tenant_id=TENANT, policy=policy)
    await policies.put(school.context, school.platform, request)


def told(school: House) -> set[str]:
    return {one.user_id for one in school.announced if isinstance(one, PersonalMoved)}


# ---------------------------------------------------------------- iSpring Learn


@pytest.fixture
async def ispring(school: House) -> House:
    """Leo leads sue; dora manages the department of tom; anna instructs math."""
    await school.write(
        PutPerson("leo", "Leo", ("supervisor",), details=Details(supervises=("sue",))),
        PutPerson("dora", "Dora", ("departmentAdmin",)),
        PutPerson("olga", "Olga", ("owner",)),
        PutRoster("unit", "sales", "Sales"),
        PutRosterMember("unit", "sales", "dora", "manager"),
        PutRosterMember("unit", "sales", "tom", "student"),
        PutRosterMember("course", "math", "anna", "instructor"),
    )
    return await following(school, "ispring-limited")


async def test_ispring_staff_start_and_learners_answer(ispring: House) -> None:
    """A learner would be locked out, or write to everybody (ISP-1 … 5)."""
    for starter, learner in (("olga", "zed"), ("adam", "zed"), ("dora", "tom")):
        chat = await start(ispring, starter, learner)
        await send(ispring, starter, chat.id)
        await send(ispring, learner, chat.id, "an answer")
    await refused("no_relationship", start(ispring, "dora", "sue"))
    for other in ("tom", "adam", "leo"):
        await refused("no_relationship", start(ispring, "uma", other))
    team = await start(ispring, "leo", "sue", "adam")  # ISP-31, 33
    assert team.participant_count == 2, "leo reaches only his team"


async def test_ispring_contact_instructor(ispring: House) -> None:
    """The chat would end with the course, or go on without it (ISP-6, 7, 23 … 25)."""
    chat = await start(ispring, "sue", "anna")
    assert (await start(ispring, "sue", "anna")).id == chat.id
    ispring.announced.clear()
    sent = await send(ispring, "sue", chat.id, "a question")
    assert await badge(ispring, "anna") == (1, 1), "ISP-9, ISP-26"
    await send(ispring, "anna", chat.id, "an answer")
    unassign = directory.DeleteCourseMember(course_id="math", user_id="anna")
    await kinds.ROSTERS["course"].delete_member(
        ispring.context, ispring.platform, unassign
    )
    assert {"sue", "anna"} <= told(ispring)
    for person in ("sue", "anna"):
        kept = await get(ispring, person, chat.id)
        assert kept.denied["send"] == "relationship_ended"
        await refused("relationship_ended", send(ispring, person, chat.id))
    page = requests.ListMessages(conversation_id=chat.id)
    history = await paging.page(ispring.context, who("sue"), page)
    assert history.messages[0].id == sent.id
    await refused("no_relationship", start(ispring, "tom", "anna"))  # ISP-8


async def test_ispring_deleting(ispring: House) -> None:
    """A message would stay, or a dialog be gone for both (ISP-13 … 18)."""
    chat = await start(ispring, "adam", "sue")
    sent = await send(ispring, "adam", chat.id)
    await send(ispring, "adam", chat.id, "another")
    delete = requests.DeleteMessage(message_id=sent.id)
    gone = await messages.delete(ispring.context, who("adam"), delete)
    assert gone.removed is not None
    assert (gone.text, gone.removed.by) == (None, None)
    rules = (await me.get(ispring.context, who("sue"), requests.GetMe())).rules
    assert rules["confirm"] == ("deleteConversation",), "ISP-14, ISP-16"
    whole = requests.DeleteConversation(conversation_id=chat.id)
    await conversations.delete(ispring.context, who("sue"), whole)
    assert (await get(ispring, "adam", chat.id)).last_message is not None
    assert (await get(ispring, "sue", chat.id)).last_message is None
    await rule(ispring, rights={"send": {"direct": ["member"]}})  # ISP-19
    mine = requests.DeleteMessage(message_id=(await send(ispring, "adam", chat.id)).id)
    await refused("forbidden", messages.delete(ispring.context, who("adam"), mine))


async def test_ispring_the_module_goes_off_and_on(ispring: House) -> None:
    """Messages would be lost with the module (ISP-21, 22, 27, 28)."""
    chat = await start(ispring, "adam", "sue")
    sent = await send(ispring, "adam", chat.id)
    await rule(ispring, enabled=False)
    assert {"adam", "sue"} <= told(ispring)
    await refused("messaging_disabled_site", send(ispring, "sue", chat.id))
    known = await me.get(ispring.context, who("sue"), requests.GetMe())
    assert known.rules["enabled"] is False
    assert known.rules["whenDisabled"] == "show_person_without_action"
    assert known.denied["direct"] == "messaging_disabled_site"
    await rule(ispring)
    again = await get(ispring, "sue", chat.id)
    assert again.last_message is not None
    assert again.last_message.id == sent.id
    await send(ispring, "sue", chat.id)


async def test_ispring_open_and_its_switches(ispring: House) -> None:
    """A portal could not open itself, wholly or a little (ISP-29, 32, 35)."""
    read = GetPolicy(tenant_id=TENANT)
    answer = await policies.get(ispring.context, ispring.platform, read)
    rows: Any = answer.policy["initiate"]
    open_rows = [{**row, "enabled": True} for row in rows]
    await rule(ispring, initiate=open_rows)
    await start(ispring, "zed", "adam")
    await start(ispring, "tom", "dora")
    await refused("no_relationship", start(ispring, "zed", "tom"))
    await following(ispring, "ispring-open")
    await start(ispring, "zed", "tom")
    await refused("role_cannot_initiate", start(ispring, "zed", "tom", "sue"))


# ------------------------------------------------------------------ itslearning


async def test_itslearning_a_day_at_school(school: House) -> None:
    """The panel would not show what is going on (ITS-4, 5, 8 … 11, 15 … 18)."""
    lesson = await start(school, "anna", course="math")
    group = await start(school, "sue", "tom", "uma", title="Homework")
    direct = await start(school, "sue", "anna")
    assert [one.kind for one in (lesson, group, direct)] == [
        "course",
        "group",
        "direct",
    ]
    school.clock.at_ms += 1_000
    await send(school, "anna", lesson.id, "read page 9")
    school.clock.at_ms += 1_000
    await send(school, "tom", group.id, "who has done it?")
    page = await conversations.page(
        school.context, who("sue"), requests.ListConversations()
    )
    rows = {one.id: one for one in page.conversations}
    assert [one.id for one in page.conversations[:2]] == [group.id, lesson.id]
    assert rows[group.id].title == "Homework"
    last = rows[group.id].last_message
    assert last is not None
    assert (last.text, rows[group.id].last_activity_at) == (
        "who has done it?",
        last.created_at,
    )
    assert rows[group.id].unread.count == 1
    assert await badge(school, "sue") == (2, 2)
    read = requests.MarkRead(conversation_id=group.id, seq=99)
    await reading.mark_read(school.context, who("sue"), read)
    assert await badge(school, "sue") == (1, 1), "ITS-5"
    seat = directory.PutCourseMember(course_id="math", user_id="zed", role="student")
    await kinds.ROSTERS["course"].put_member(school.context, school.platform, seat)
    assert (await get(school, "zed", lesson.id)).member, "ITS-18"
    await send(school, "zed", lesson.id, "I am new")


async def test_itslearning_projects(school: House) -> None:
    """A project could not talk, or somebody outside could listen (ITS-20, ITS-43)."""
    await school.write(
        PutRoster("project", "fair", "Science fair"),
        PutRosterMember("project", "fair", "sue", "student"),
        PutRosterMember("project", "fair", "ben", "teacher"),
    )
    search = requests.SearchRecipients(text="a")
    found = await searching.search(school.context, who("sue"), search)
    assert {(one.kind, one.id) for one in found.recipients} == {
        ("user", "anna"),
        ("user", "uma"),
        ("course", "math"),
        ("project", "fair"),
    }
    project = requests.Recipient(kind="project", id="fair")
    talk = await start_with(school, "sue", project)
    assert (talk.kind, talk.project_id, talk.participant_count) == (
        "project",
        "fair",
        2,
    )
    await send(school, "ben", talk.id)
    await refused("not_found", send(school, "tom", talk.id))


async def start_with(
    school: House, starter: str, recipient: requests.Recipient
) -> Conversation:
    request = requests.StartConversation(
        recipients=(recipient,), client_request_id=f"{starter}-{recipient.id}"
    )
    begun = await starting.start(school.context, who(starter), request)
    assert begun.conversation is not None
    return begun.conversation


async def test_itslearning_private_talks_of_pupils_stay_private(
    school: House,
) -> None:
    """A teacher could open what nobody reported (ITS-78, ITS-79)."""
    private = await start(school, "sue", "tom")
    sent = await send(school, "sue", private.id)
    for staff in ("anna", "adam"):
        await refused("not_found", get(school, staff, private.id))
        delete = requests.DeleteMessage(message_id=sent.id)
        await refused("not_found", messages.delete(school.context, who(staff), delete))


async def test_itslearning_unless_somebody_reports_it(school: House) -> None:
    """A pupil would be left alone with it (ITS-79, ITS-82 … 88, ITS-105)."""
    private = await start(school, "sue", "tom")
    sent = await send(school, "sue", private.id, "I hate you")
    assert "report" not in (await get(school, "tom", private.id)).denied
    made = await report(school, "tom", sent.id, "anna", text="help me")
    assert await badge(school, "anna") == (1, 1)
    await send(school, "anna", str(made.sent_to), "I am here")  # ITS-84
    assert await badge(school, "tom") == (2, 2)
    opened = await look(school, "anna", made.id)
    assert opened.evidence[0].messages[0].text == "I hate you"
    await refused("not_found", get(school, "anna", private.id))
    settle = ResolveReport(report_id=made.id, decision="removed", remove_message=True)
    await reviewing.resolve(school.context, who("anna"), settle)
    seen = (await get(school, "sue", private.id)).last_message
    assert seen is not None
    assert seen.removed is not None
    assert seen.removed.by is not None


async def test_itslearning_adding_and_removing(school: House) -> None:
    """Somebody would be heard after being removed (ITS-63 … 65, ITS-127)."""
    group = await start(school, "anna", "sue", "tom")
    add = requests.AddParticipants(conversation_id=group.id, user_ids=("uma",))
    await members.add(school.context, who("anna"), add)
    await send(school, "uma", group.id)
    school.announced.clear()
    out = requests.RemoveParticipant(conversation_id=group.id, user_id="uma")
    await members.remove(school.context, who("anna"), out)
    assert "uma" in told(school)
    gone = await get(school, "uma", group.id)
    assert (gone.member, gone.denied["send"]) == (False, "not_participant")
    await refused("not_participant", send(school, "uma", group.id))
    course = await start(school, "anna", course="math")
    stays = requests.RemoveParticipant(conversation_id=course.id, user_id="sue")
    await refused("forbidden", members.remove(school.context, who("anna"), stays))


async def test_itslearning_the_badge_is_right_after_everything(school: House) -> None:
    """People would open every talk to make the number right (ITS-128)."""
    one = await start(school, "anna", "sue", "tom")
    two = await start(school, "sue", "tom")
    sent = await send(school, "tom", one.id)
    await send(school, "tom", two.id)
    assert await badge(school, "sue") == (2, 2)
    delete = requests.DeleteMessage(message_id=sent.id)
    await messages.delete(school.context, who("anna"), delete)
    assert await badge(school, "sue") == (1, 1)
    await send(school, "tom", one.id)
    close = requests.CloseConversation(conversation_id=one.id)
    await conversations.close(school.context, who("anna"), close)
    assert await badge(school, "sue") == (2, 2), "closed is not read"
    out = requests.RemoveParticipant(conversation_id=one.id, user_id="sue")
    await members.remove(school.context, who("anna"), out)
    assert await badge(school, "sue") == (1, 1)


async def test_itslearning_editing(school: House) -> None:
    """An edit would look like news, or hide that it is one (ITS-139, 140, 142)."""
    group = await start(school, "anna", "sue", "tom")
    sent = await send(school, "sue", group.id, "first")
    read = requests.MarkRead(conversation_id=group.id, seq=99)
    await reading.mark_read(school.context, who("tom"), read)
    before = await get(school, "tom", group.id)
    school.clock.at_ms += 60_000
    edit = requests.EditMessage(message_id=sent.id, text="second")
    edited = await messages.edit(school.context, who("sue"), edit)
    assert (edited.text, edited.edited_at is not None) == ("second", True)
    after = await get(school, "tom", group.id)
    assert after.unread.count == 0
    assert after.last_activity_at == before.last_activity_at


@pytest.mark.parametrize(
    ("why", "code"),
    [
        ("off", "messaging_disabled_sender"),
        ("not enrolled", "not_enrolled"),
        ("rules", "no_relationship"),
        ("permission", "role_cannot_initiate"),
    ],
)
async def test_itslearning_four_reasons(school: House, why: str, code: str) -> None:
    """People would ask the school why (ITS-118 … 123, ITS-130, ITS-134)."""
    if why == "off":
        off = directory.PutUser(
            user_id="sue", name="Sue", roles=("student",), messaging_disabled=True
        )
        await people.put(school.context, school.platform, off)
        await refused(code, start(school, "sue", "anna"))
        # Whoever writes to such a person is told, too.
        reason = "messaging_disabled_recipient"
        await refused(reason, start(school, "anna", "sue"))
        group = requests.AddParticipants(
            conversation_id=(await start(school, "anna", "tom", "uma")).id,
            user_ids=("sue",),
        )
        added = await members.add(school.context, who("anna"), group)
        assert [one.code for one in added.refused] == [reason]
    elif why == "not enrolled":
        await refused(code, start(school, "zed", course="math"))
    elif why == "rules":
        await refused(code, start(school, "sue", "zed"))
    else:
        await school.people("gus", role="guest")
        await refused(code, start(school, "gus", "anna"))


# --------------------------------------------------------------------- tutoring


async def test_tutoring_an_inbox_of_two(school: House) -> None:
    """Somebody else would read a private question (TUT-1, 2, 6 … 8, 11)."""
    await following(school, "tutoring")
    search = requests.SearchRecipients(text="a")
    found = await searching.search(school.context, who("sue"), search)
    assert [one.id for one in found.recipients] == ["anna"]
    talk = await start(school, "sue", "anna")
    school.announced.clear()
    await send(school, "sue", talk.id, "a question")
    page = await conversations.page(
        school.context, who("anna"), requests.ListConversations()
    )
    (row,) = page.conversations
    assert [one.name for one in row.participants or ()] == ["Sue"]
    assert row.last_message is not None
    assert (row.last_message.text, row.unread.count) == ("a question", 1)
    for other in ("tom", "ben", "adam"):
        await refused("not_found", get(school, other, talk.id))
    await refused("forbidden", start(school, "anna", "sue", "tom"))
    known = await me.get(school.context, who("sue"), requests.GetMe())
    assert known.denied["group"] == "forbidden"
    assert (known.rules["enterSends"], known.rules["attachments"]) == (True, True)


async def test_tutoring_offers_no_edit_and_no_delete(school: House) -> None:
    """What was said to a child could be made unsaid (TUT-35)."""
    await following(school, "tutoring")
    talk = await start(school, "sue", "anna")
    sent = await send(school, "anna", talk.id)
    edit = requests.EditMessage(message_id=sent.id, text="other words")
    await refused("forbidden", messages.edit(school.context, who("anna"), edit))
    for scope in ("everyone", "me"):
        delete = requests.DeleteMessage(message_id=sent.id, scope=scope)
        await refused("forbidden", messages.delete(school.context, who("anna"), delete))


async def test_tutoring_every_report_is_the_teams(school: House) -> None:
    """A tutor would decide about himself, or nobody would answer (TUT-27 … 29)."""
    await following(school, "tutoring")
    talk = await start(school, "sue", "anna")
    sent = await send(school, "anna", talk.id)
    made = await report(school, "sue", sent.id, None)
    queue = ListReports(box="queue", state="open")
    for person, count in (("anna", 0), ("ben", 0), ("adam", 1)):
        page = await reviewing.page(school.context, who(person), queue)
        assert len(page.reports) == count, person
    settle = ResolveReport(report_id=made.id, decision="noAction")
    await refused("not_found", reviewing.resolve(school.context, who("anna"), settle))
    school.announced.clear()
    await reviewing.resolve(school.context, who("adam"), settle)
    assert told(school) == {"sue"}, "the outcome, and to nobody else"


# ----------------------------------------------------------------------- Moodle


@pytest.fixture
async def moodle(school: House) -> House:
    return await following(school, "moodle")


async def test_moodle_the_site_decides_how_far_people_reach(moodle: House) -> None:
    """Strangers would write to each other against the site (MOO-14 … 16)."""
    await start(moodle, "sue", "tom")
    await refused("no_relationship", start(moodle, "sue", "zed"))
    privacy = {"enabled": True, "siteWide": True, "default": "courses"}
    await rule(moodle, recipientPrivacy=privacy)
    await start(moodle, "sue", "zed")
    await refused("recipient_unknown", start(moodle, "sue", "ghost"))  # MOO-22
    await rule(moodle)  # MOO-66
    await refused("no_relationship", start(moodle, "uma", "zed"))


async def test_moodle_each_message_is_checked_anew(moodle: House) -> None:
    """A talk would go on with nothing in common any longer (MOO-17, MOO-21)."""
    talk = await start(moodle, "sue", "tom")
    await send(moodle, "sue", talk.id)
    out = directory.DeleteCourseMember(course_id="math", user_id="tom")
    await kinds.ROSTERS["course"].delete_member(moodle.context, moodle.platform, out)
    await refused("no_relationship", send(moodle, "sue", talk.id))
    assert (await get(moodle, "sue", talk.id)).denied["send"] == "no_relationship"
    await start(moodle, "adam", "tom")  # MOO-83
    await moodle.people("gus", role="guest")
    await refused("role_cannot_initiate", start(moodle, "gus", "sue"))  # MOO-78


async def test_moodle_messaging_off(moodle: House) -> None:
    """Somebody would still find a way to write (MOO-64, MOO-65, PLU-6)."""
    talk = await start(moodle, "anna", "sue")
    await rule(moodle, enabled=False)
    code = "messaging_disabled_site"
    await refused(code, send(moodle, "anna", talk.id))
    await refused(code, start(moodle, "sue", "tom"))
    both = (requests.Recipient(kind="user", id=id_) for id_ in ("sue", "tom"))
    bulk = requests.PreviewRecipients(recipients=tuple(both))
    found = await previewing.preview(moodle.context, who("anna"), bulk)
    assert found.modes == ()
    assert {one.code for one in found.refused} == {code}


async def test_moodle_bulk_messages_can_be_answered(moodle: House) -> None:
    """A group would begin, or a student write to all (MOO-62, 63, PLU-5)."""

    def bulk(starter: str, *others: str) -> requests.StartConversation:
        return requests.StartConversation(
            recipients=tuple(requests.Recipient(kind="user", id=id_) for id_ in others),
            client_request_id=f"bulk-{starter}",
            mode="individual",
            message=requests.FirstMessage(text="hello"),
        )

    sent = await starting.start(
        moodle.context, who("anna"), bulk("anna", "sue", "tom", "uma")
    )
    assert sent.individual is not None
    assert sent.individual.count == 3
    page = await conversations.page(
        moodle.context, who("sue"), requests.ListConversations()
    )
    (own,) = page.conversations
    await send(moodle, "sue", own.id, "an answer")
    await refused(
        "forbidden",
        starting.start(moodle.context, who("sue"), bulk("sue", "tom", "uma")),
    )


async def test_moodle_marks_and_sections(moodle: House) -> None:
    """The drawer could not be sorted (MOO-30, 33, 34, 36, 37, 84)."""
    talk = await start(moodle, "sue", "tom")
    own = await start(moodle, "sue", "sue")
    assert (own.kind, own.starred) == ("self", True)
    for id_, fields in (
        (own.id, {"starred": False}),
        (talk.id, {"starred": True, "muted": True}),
    ):
        marks = requests.SetConversationPreferences(
            conversation_id=id_,
            **fields,  # type: ignore[arg-type]
        )
        await conversations.set_preferences(moodle.context, who("sue"), marks)
    await send(moodle, "tom", talk.id)
    starred = requests.ListConversations(filter="starred")
    page = await conversations.page(moodle.context, who("sue"), starred)
    (row,) = page.conversations
    assert (row.id, row.muted, row.unread.count) == (talk.id, True, 1)
    assert await badge(moodle, "sue") == (1, 1)
    known = await me.get(moodle.context, who("sue"), requests.GetMe())
    assert known.rules["badge"] == "conversations_and_requests", "MOO-85"


async def test_moodle_defaults_of_a_new_person(moodle: House) -> None:
    """Enter would not send where the platform says that it does (MOO-67, MOO-72)."""
    new = directory.PutUser(user_id="new", name="New", roles=("student",))
    await people.put(moodle.context, moodle.platform, new)
    known = await me.get(moodle.context, who("new"), requests.GetMe())
    assert known.preferences.enter_sends is True
    off = requests.UpdatePreferences(enter_sends=False)
    await me.update_preferences(moodle.context, who("new"), off)
    await people.put(moodle.context, moodle.platform, new)
    known = await me.get(moodle.context, who("new"), requests.GetMe())
    assert known.preferences.enter_sends is False


async def test_moodle_text_is_kept_as_it_was_written(moodle: House) -> None:
    """A program's source would arrive mangled; cleaning is the page's (MOO-93)."""
    talk = await start(moodle, "sue", "tom")
    raw = "<b>if (a < b && c) {}</b> <script>"
    assert (await send(moodle, "sue", talk.id, raw)).text == raw


async def test_moodle_deleting_messages(moodle: House) -> None:
    """A message would be gone for the others, or count (MOO-52 … 55, 59, 84)."""
    talk = await start(moodle, "sue", "tom")
    sent = await send(moodle, "tom", talk.id, "words")
    page = requests.ListMessages(conversation_id=talk.id)

    async def read(reader: str) -> list[str]:
        found = await paging.page(moodle.context, who(reader), page)
        return [one.text or str(one.removed) for one in found.messages]

    assert await badge(moodle, "sue") == (1, 1)
    for_me = requests.DeleteMessage(message_id=sent.id, scope="me")
    for _ in range(2):
        gone = await messages.delete(moodle.context, who("sue"), for_me)
        assert gone.text is None
    assert await badge(moodle, "sue") == (0, 0)
    (seen,) = await read("sue")
    assert "hidden_for_me" in seen
    assert await read("tom") == ["words"]
    for_all = requests.DeleteMessage(message_id=sent.id)
    for person in ("sue", "tom"):  # MOO-52: a capability
        await refused(
            "forbidden", messages.delete(moodle.context, who(person), for_all)
        )
    course = await start(moodle, "adam", "tom")
    mine = await send(moodle, "adam", course.id, "manager's words")
    for_all = requests.DeleteMessage(message_id=mine.id)
    await messages.delete(moodle.context, who("adam"), for_all)
    trace = requests.ListMessages(conversation_id=course.id)
    found = await paging.page(moodle.context, who("tom"), trace)
    (only,) = found.messages
    assert only.removed is not None
    assert (only.text, only.removed.by, only.removed.notice) == (
        None,
        None,
        "removed_without_trace",
    )
