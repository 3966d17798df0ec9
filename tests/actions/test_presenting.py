"""If these fail, a person is shown what is not theirs to see."""

from dataclasses import replace

from chatd.actions import presenting
from chatd.domain.messages import MessageRecord
from chatd.domain.people import PersonRecord
from tests.actions.deeds import refused, send, start, who
from tests.support.house import House

RECORD = MessageRecord(
    id="m",
    conversation_id="c",
    seq=2,
    kind="text",
    author_id="sue",
    author_name="Sue",
    created_at_ms=0,
    last_event_seq=2,
    text="words",
    links_json='[{"start":0,"end":5,"url":"https://a.example"}]',
)


def test_a_removed_message_carries_no_content() -> None:
    """Removed words would still reach a client (ITS-77)."""
    gone = replace(RECORD, removed_at_ms=5, notice="removed", edited_at_ms=3)
    shown = presenting.message(gone)
    assert (shown.text, shown.links, shown.edited_at) == (None, None, None)
    assert shown.removed is not None


def test_words_written_after_leaving_are_withheld() -> None:
    """Who is gone would read on through edits."""
    edited = replace(RECORD, edited_at_ms=3, last_event_seq=9)
    assert presenting.message(edited, left_seq=9).text == "words"
    later = presenting.message(edited, left_seq=8)
    assert later.text is None
    assert later.removed is not None
    assert later.removed.notice == presenting.EDITED_AFTER_LEAVING


def test_a_participant_shows_what_others_may_know() -> None:
    """An address would be published, or a switched-off person look reachable."""
    person = PersonRecord("sue", "Sue", ("student",), email="s@a.example", active=False)
    shown = presenting.participant(person, "student")
    assert (shown.role, shown.active) == ("student", False)
    assert "a.example" not in repr(shown)
    assert presenting.participant(person, "strange").role == "member"


async def test_a_conversation_says_what_is_denied(school: House) -> None:
    """A client would offer what is then refused."""
    group = await start(school, "sue", "tom", "anna")
    await send(school, "sue", group.id)
    shown = await presenting.conversation(school.context, who("tom"), group.id)
    assert shown.denied == {
        "deleteOthers": "forbidden",
        "deleteForMe": "forbidden",
        "removeParticipants": "forbidden",
        "close": "forbidden",
        "reopen": "forbidden",
        "deleteConversation": "forbidden",
        "restore": "forbidden",
    }
    assert shown.participants is not None
    assert {one.id for one in shown.participants} == {"sue", "anna"}
    assert (shown.unread.count, shown.resume_seq) == (1, 2)
    await refused(
        "not_found", presenting.conversation(school.context, who("zed"), group.id)
    )
