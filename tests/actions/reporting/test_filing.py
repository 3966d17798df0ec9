"""If these fail, a child's report does not get through, or somebody learns of it."""

from dataclasses import replace

import pytest

from chatd.actions import conversations, messages, paging, personal, recovery
from chatd.actions.directory import policies
from chatd.actions.keeping import erasing
from chatd.actions.reporting import filing, reviewing
from chatd.store.people import PutPerson
from chatd.store.reporting import filing as stored
from chatd.store.reporting.guests import EnterAsGuest
from chatd.store.tenants import PutTenant
from chatd_protocol.chat import requests
from chatd_protocol.chat.http.keeping import EraseUser
from chatd_protocol.chat.objects import Message
from chatd_protocol.chat.policy import PutPolicy
from chatd_protocol.chat.reporting.reports import (
    ListReports,
    OpenReport,
    Report,
    ReportMessage,
    ResolveReport,
    WithdrawReport,
)
from chatd_protocol.chat.results import ReportRow
from tests.actions.deeds import (
    fresh,
    look,
    refused,
    report,
    report_whole,
    send,
    start,
    who,
)
from tests.actions.keeping.trailing import noted
from tests.actions.meanwhile import just_before
from tests.support.house import TENANT, House


async def history(school: House, reader: str, conversation: str) -> list[Message]:
    page = requests.ListMessages(conversation_id=conversation)
    return list((await paging.page(school.context, who(reader), page)).messages)


async def withdraw(school: House, reporter: str, report_id: str) -> Report:
    request = WithdrawReport(report_id=report_id)
    return await filing.withdraw(school.context, who(reporter), request)


async def test_a_report_comes_to_the_chosen_teacher(school: House) -> None:
    """Nobody would help a child who is bullied (ITS-82 … 85)."""
    group = await start(school, "sue", "tom", "uma")
    bad = await send(school, "tom", group.id, "you are stupid")
    made = await report(school, "sue", bad.id, reason="bullying", text="he always does")
    assert (made.state, made.message_id, made.reason) == ("open", bad.id, "bullying")
    assert made.teacher is not None
    assert made.teacher.name == "Anna"
    assert made.sent_to is not None
    (brought,) = await history(school, "anna", made.sent_to)
    assert (brought.report_id, brought.text) == (made.id, "he always does")
    assert brought.author.id == "sue"
    there = await start(school, "anna", "sue")
    assert there.id == made.sent_to
    assert there.unread.count == 1
    again = await send(school, "tom", group.id, "really stupid")
    second = await report(school, "sue", again.id)
    assert second.sent_to == made.sent_to, "the 1:1 is used again (ITS-84)"


async def test_only_the_reporter_sees_the_mark(school: House) -> None:
    """The others would see that something was reported (ITS-85, ITS-86)."""
    group = await start(school, "sue", "tom", "uma")
    bad = await send(school, "tom", group.id)
    made = await report(school, "sue", bad.id)
    page = requests.ListMessages(conversation_id=group.id)
    marks = {
        reader: (await paging.page(school.context, who(reader), page)).reported
        for reader in ("sue", "tom", "uma")
    }
    assert marks == {"sue": {bad.id: made.id}, "tom": None, "uma": None}
    sync = await recovery.sync(
        school.context, who("sue"), requests.Sync(personal_seq=0)
    )
    rows = [one for one in sync.personal if isinstance(one, ReportRow)]
    assert [one.report for one in rows] == [made]
    event = personal.event(rows[0], "now")
    assert type(event).__name__ == "ReportCreated"


async def test_not_on_ones_own_messages(school: House) -> None:
    """A menu would offer what makes no sense (ITS-29, ITS-37, ITS-40)."""
    group = await start(school, "sue", "tom", "uma")
    course = await start(school, "anna", course="math")
    direct = await start(school, "sue", "anna")
    mine = await send(school, "sue", group.id)
    await refused("forbidden", report(school, "sue", mine.id))
    for conversation in (course, direct):
        assert conversation.denied["reportConversation"] == "forbidden"
        await refused("forbidden", report_whole(school, "sue", conversation.id))
    assert "reportConversation" not in group.denied
    assert not {"report"} & {*group.denied, *course.denied, *direct.denied}


async def test_it_stays_possible_whatever_else_is_not(school: House) -> None:
    """Who closes, blocks or removes somebody first could not be reported (ITS-105)."""
    group = await start(school, "anna", "tom", "sue")
    bad = await send(school, "tom", group.id)
    close = requests.CloseConversation(conversation_id=group.id)
    await conversations.close(school.context, who("anna"), close)
    assert (await report(school, "sue", bad.id)).state == "open"
    leave = requests.LeaveConversation(conversation_id=group.id)
    await conversations.leave(school.context, who("sue"), leave)
    assert (await report_whole(school, "sue", group.id)).state == "open"
    other = await start(school, "anna", "tom", "sue")
    bad = await send(school, "tom", other.id)
    off = PutPerson("sue", "Sue", ("student",), messaging_disabled=True)
    await school.write(off)
    assert (await report(school, "sue", bad.id)).state == "open"


@pytest.mark.parametrize("teacher", ["ben", "tom", "sue", "nobody", None])
async def test_only_a_teacher_of_the_reporters_can_be_chosen(
    school: House, teacher: str | None
) -> None:
    """A report would land with strangers, or tell who there is (ITS-83)."""
    group = await start(school, "sue", "tom", "uma")
    bad = await send(school, "uma", group.id)
    code = "invalid_request" if teacher is None else "forbidden"
    await refused(code, report(school, "sue", bad.id, teacher))
    page = await reviewing.page(school.context, who("sue"), ListReports())
    assert [one.id for one in page.teachers or ()] == ["adam", "anna"]
    assert page.reports == ()


async def test_nobody_judges_their_own_words(school: House) -> None:
    """A teacher could be asked to look after a report of what he wrote himself."""
    course = await start(school, "anna", course="math")
    said = await send(school, "anna", course.id)
    await refused("forbidden", report(school, "sue", said.id, "anna"))
    assert (await report(school, "sue", said.id, "adam")).state == "open"


async def test_twice_is_once(school: House) -> None:
    """A nervous finger would make three reports, and three messages to the teacher."""
    group = await start(school, "sue", "tom", "uma")
    bad = await send(school, "tom", group.id)
    request = ReportMessage(
        message_id=bad.id, client_request_id=fresh(), teacher_id="anna"
    )
    first = await filing.of_message(school.context, who("sue"), request)
    assert await filing.of_message(school.context, who("sue"), request) == first
    assert await report(school, "sue", bad.id) == first
    assert len(await history(school, "anna", str(first.sent_to))) == 1
    other = ReportMessage(
        message_id=bad.id, client_request_id=request.client_request_id
    )
    await refused(
        "idempotency_conflict",
        filing.of_message(school.context, who("sue"), other),
    )


async def test_what_is_taken_back_is_gone(school: House) -> None:
    """The teacher would go on with what the child has thought better of (ITS-87)."""
    group = await start(school, "sue", "tom", "uma")
    bad = await send(school, "tom", group.id)
    made = await report(school, "sue", bad.id, text="mean")
    await refused("not_found", withdraw(school, "tom", made.id))
    for _ in range(2):
        assert (await withdraw(school, "sue", made.id)).state == "withdrawn"
    (brought,) = await history(school, "anna", str(made.sent_to))
    assert brought.removed is not None
    assert (brought.text, brought.removed.notice) == (None, "report_withdrawn")
    await refused("not_found", look(school, "anna", made.id))
    assert (await report(school, "sue", bad.id)).id != made.id


async def test_the_evidence_outlives_the_message(school: House) -> None:
    """The author would delete it, and there would be nothing to look at (5.2)."""
    group = await start(school, "sue", "tom", "uma")
    for number in range(8):
        await send(school, "uma", group.id, f"before {number}")
    bad = await send(school, "tom", group.id, "the bad one")
    for number in range(8):
        await send(school, "uma", group.id, f"after {number}")
    made = await report(school, "sue", bad.id)
    edit = requests.EditMessage(message_id=bad.id, text="harmless")
    await messages.edit(school.context, who("tom"), edit)
    await report(school, "uma", bad.id)
    delete = requests.DeleteMessage(message_id=bad.id)
    await messages.delete(school.context, who("tom"), delete)
    opened = await look(school, "anna", made.id)
    first, second = opened.evidence
    said = [one.text for one in first.messages]
    assert said == [
        *(f"before {number}" for number in range(3, 8)),
        "the bad one",
        *(f"after {number}" for number in range(5)),
    ]
    assert "harmless" in [one.text for one in second.messages]
    assert opened.message is not None
    assert opened.message.removed is not None


async def test_earlier_texts_are_evidence_too(school: House) -> None:
    """An insult that was quickly made harmless would not be there to see (5.2)."""
    keeping = PutPolicy(tenant_id=TENANT, policy={"retainRemovedDays": 30})
    await policies.put(school.context, school.platform, keeping)
    group = await start(school, "sue", "tom", "uma")
    bad = await send(school, "tom", group.id, "an insult")
    for text in ("half an insult", "a joke"):
        school.clock.at_ms += 1_000
        edit = requests.EditMessage(message_id=bad.id, text=text)
        await messages.edit(school.context, who("tom"), edit)
    made = await report(school, "sue", bad.id)
    (kept,) = (await look(school, "anna", made.id)).evidence
    assert [one.text for one in kept.messages] == [
        "an insult",
        "half an insult",
        "a joke",
    ]
    assert {one.id for one in kept.messages} == {bad.id}


async def test_platforms_without_reports_offer_none(school: House) -> None:
    """A button would lead nowhere (MOO-92)."""
    for preset in ("moodle", "ispring-limited", "ispring-open"):
        await school.write(PutTenant("School", preset))
        talk = await start(school, "adam", "sue")
        bad = await send(school, "adam", talk.id)
        seen = await conversations.get(
            school.context,
            who("sue"),
            requests.GetConversation(conversation_id=talk.id),
        )
        assert seen.denied["report"] == "forbidden"
        await refused("forbidden", report(school, "sue", bad.id, None))
    # A school may have them all the same.
    queue = {"to": "central_queue", "anonymous": "always", "reviewers": ["admin"]}
    rules = PutPolicy(tenant_id=TENANT, policy={"report": queue})
    await policies.put(school.context, school.platform, rules)
    more = await send(school, "adam", talk.id)
    assert (await report(school, "sue", more.id, None)).teacher is None


# ------------------------------------------------- what others do in that moment


async def test_decided_while_it_is_withdrawn(school: House) -> None:
    """The words that a decision rests on would be gone, as if it were taken back."""
    group = await start(school, "sue", "tom", "uma")
    bad = await send(school, "tom", group.id)
    made = await report(school, "sue", bad.id, text="he insults me")
    decided = ResolveReport(report_id=made.id, decision="warned")

    async def decide() -> None:
        await reviewing.resolve(school.context, who("anna"), decided)

    context = just_before(school.context, stored.WithdrawReport, decide)
    done = await withdraw(replace(school, context=context), "sue", made.id)
    assert (done.state, done.decision) == ("resolved", "warned")
    assert made.sent_to is not None
    (brought,) = await history(school, "anna", made.sent_to)
    assert brought.text == "he insults me"


async def test_decided_twice_at_once(school: House) -> None:
    """A message would be removed by who came second, and the trail tell two ends."""
    group = await start(school, "sue", "tom", "uma")
    bad = await send(school, "tom", group.id, "harmless")
    made = await report(school, "sue", bad.id)
    first = ResolveReport(report_id=made.id, decision="noAction")
    lead = who("lead", TENANT, "safeguarding")

    async def decide() -> None:
        await reviewing.resolve(school.context, lead, first)

    context = just_before(school.context, stored.ResolveCase, decide)
    second = ResolveReport(report_id=made.id, decision="removed", remove_message=True)
    done = await reviewing.resolve(context, who("anna"), second)
    assert done.decision == "noAction"
    (seen,) = await history(school, "tom", group.id)
    assert seen.text == "harmless"
    assert len(await noted(school, "report.resolved")) == 1


async def test_decided_while_somebody_comes_in(school: House) -> None:
    """The teacher would be in there for ever, unseen and for no reason."""
    group = await start(school, "sue", "tom", "uma")
    made = await report_whole(school, "sue", group.id)
    lead = who("lead", TENANT, "safeguarding")

    async def decide() -> None:
        request = ResolveReport(report_id=made.id, decision="noAction")
        await reviewing.resolve(school.context, lead, request)

    context = just_before(school.context, EnterAsGuest, decide)
    enter = OpenReport(report_id=made.id, enter=True)
    await refused("forbidden", reviewing.open_(context, who("anna"), enter))
    await refused("not_found", history(school, "anna", group.id))


async def test_erased_while_it_is_reported(school: House) -> None:
    """Words of somebody who was erased would be kept, and nobody look for them."""
    group = await start(school, "sue", "tom", "uma")
    bad = await send(school, "tom", group.id, "secret words")

    async def erase() -> None:
        admin = who("lms", TENANT, "admin")
        await erasing.erase(school.context, admin, EraseUser(user_id="tom"))

    context = just_before(school.context, stored.FileReport, erase)
    made = await report(replace(school, context=context), "sue", bad.id)
    opened = await look(school, "anna", made.id)
    assert "secret" not in repr(opened)
