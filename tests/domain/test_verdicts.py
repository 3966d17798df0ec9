"""If these fail, somebody may do what the school forbids, or not what it allows."""

from dataclasses import replace
from typing import get_args

import msgspec
import pytest

from chatd.domain.cases import Case
from chatd.domain.conversations import ConversationRecord, Kind, State
from chatd.domain.messages import MessageRecord
from chatd.domain.policy import Action, Policy, SwitchedOff
from chatd.domain.presets import PRESETS
from chatd.domain.relations import Between, Party
from chatd.domain.verdicts import ACTIONS, DEEDS, decide, denied
from chatd_protocol.chat import objects
from tests.domain.people import party

POLICY = PRESETS["itslearning"]


def changed(**fields: object) -> Policy:
    return msgspec.structs.replace(POLICY, **fields)


PEOPLE = {
    "member": ("student", "student"),
    "creator": ("student", "student"),
    "teacher": ("teacher", "teacher"),
    "admin": ("admin", None),
}
IDS = {"member": "u", "creator": "c", "teacher": "t", "admin": "a"}
STATES: tuple[State, ...] = ("open", "closed", "deleted")
KINDS: tuple[Kind, ...] = ("direct", "group", "course", "project")


def standing(who: str, kind: Kind, state: State = "open", **changes: object) -> Case:
    role, roster_role = PEOPLE[who]
    conversation = ConversationRecord(
        id="x", kind=kind, state=state, title="", created_by="c"
    )
    known = Case(
        policy=POLICY,
        sender=party(IDS[who], role),
        conversation=conversation,
        member=True,
        roster_role=roster_role if kind in ("course", "project") else None,
        recipient=party("p") if kind == "direct" else None,
    )
    return replace(known, **changes)  # type: ignore[arg-type]


def test_every_action_of_the_contract_is_judged() -> None:
    """A client would be told that it may do something that is then refused."""
    assert set(ACTIONS) == set(get_args(objects.Action)) == set(get_args(Action))
    assert set(DEEDS) == {
        *ACTIONS,
        *("initiate", "start", "upload", "reportTo", "review"),
    }


@pytest.mark.parametrize(
    ("action", "kind", "who", "allowed"),
    [
        ("rename", "direct", "member", False),  # ITS-37
        ("rename", "group", "member", True),  # ITS-28
        ("addParticipants", "group", "member", True),  # ITS-69
        ("addParticipants", "course", "teacher", False),  # ITS-37
        ("removeParticipants", "group", "member", False),  # ITS-66
        ("removeParticipants", "group", "teacher", True),  # ITS-66
        ("removeParticipants", "course", "teacher", False),  # ITS-67
        ("leave", "group", "member", True),  # ITS-30
        ("leave", "course", "member", False),  # ITS-37
        ("close", "group", "creator", True),  # ITS-106
        ("close", "group", "member", False),  # ITS-106
        ("close", "course", "teacher", True),  # ITS-34
        ("close", "course", "member", False),  # ITS-34
        ("deleteOthers", "direct", "member", False),  # ITS-80
        ("deleteOthers", "group", "teacher", True),  # ITS-41
        ("deleteConversation", "course", "teacher", True),  # ITS-35
        ("deleteConversation", "group", "admin", False),  # ITS-35
    ],
)
def test_rights_of_itslearning(
    action: Action, kind: Kind, who: str, *, allowed: bool
) -> None:
    """A rule of the platform would not hold."""
    assert decide(action, standing(who, kind)).allowed is allowed


@pytest.mark.parametrize(
    ("changes", "state", "code"),
    [
        ({"member": False}, "open", "not_participant"),  # ITS-65
        ({"policy": changed(enabled=False)}, "open", "messaging_disabled_site"),
        ({"sender": party("u", off=True)}, "open", "messaging_disabled_sender"),
        ({"recipient": party("p", off=True)}, "open", "messaging_disabled_recipient"),
        ({"recipient": party("p", active=False)}, "open", "recipient_unavailable"),
        ({}, "closed", "conversation_closed"),  # ITS-100
        ({}, "deleted", "conversation_deleted"),  # ITS-102
    ],
)
def test_why_somebody_cannot_send(
    changes: dict[str, object], state: State, code: str
) -> None:
    """The sender would get no reason, or the wrong one (ITS-118 … 123, ITS-130)."""
    assert decide("send", standing("member", "direct", state, **changes)).code == code


def test_a_removed_student_of_a_course_is_not_enrolled() -> None:
    """The refusal would speak of a list that the student cannot be put on (ITS-3)."""
    gone = standing("member", "course", member=False)
    assert decide("send", gone).code == "not_enrolled"


def message(author: str, **changes: object) -> MessageRecord:
    made = MessageRecord(
        id="m",
        conversation_id="x",
        seq=2,
        kind="text",
        author_id=author,
        author_name="",
        created_at_ms=1_000,
        last_event_seq=2,
        text="x",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_only_own_messages_can_be_edited_and_in_time() -> None:
    """Words could be put into somebody's mouth (ITS-139, ITS-141)."""

    def edit(case: Case, record: MessageRecord, now_ms: int = 10**12) -> str:
        return decide("edit", replace(case, message=record, now_ms=now_ms)).code

    here = standing("teacher", "group")
    assert edit(here, message("t")) == ""
    assert edit(here, message("u")) == "forbidden"
    assert edit(here, message("t", kind="system")) == "forbidden"
    hurried = replace(here, policy=changed(edit_window_s=60))
    assert edit(hurried, message("t"), 61_000) == ""
    assert edit(hurried, message("t"), 61_001) == "edit_window_over"


def test_removing_own_and_others() -> None:
    """A student could silence others, or not take back an own word (ITS-41, 81)."""
    pupil, teacher = standing("member", "group"), standing("teacher", "group")
    assert decide("delete", replace(pupil, message=message("u"))).allowed
    assert not decide("delete", replace(pupil, message=message("t"))).allowed
    assert not decide("deleteOthers", replace(pupil, message=message("t"))).allowed
    assert decide("deleteOthers", replace(teacher, message=message("u"))).allowed


IN_M = (("course", "m", "student"),)


@pytest.mark.parametrize(
    ("sender", "recipient", "code"),
    [
        (party("a", "admin"), party("s"), ""),
        (party("a", "admin"), None, "recipient_unknown"),
        (party("t", "teacher"), party("v", "teacher"), ""),
        (party("t", "teacher"), party("s"), "no_relationship"),
        (
            party("t", "teacher", on=(("course", "m", "teacher"),)),
            party("s", on=IN_M),
            "",
        ),
        (
            party("s", on=IN_M),
            party("t", "teacher", on=(("course", "m", "teacher"),)),
            "",
        ),
        (party("s", on=IN_M), party("r", on=IN_M), ""),
        (party("s", on=IN_M), party("r"), "no_relationship"),
        (party("s", on=IN_M), None, "no_relationship"),
        (party("g", "guest"), party("t", "teacher"), "role_cannot_initiate"),
    ],
)
def test_who_may_write_first(sender: Party, recipient: Party | None, code: str) -> None:
    """A stranger could write to a child, or a pupil not to the teacher (ITS-123)."""
    assert decide("initiate", Case(POLICY, sender, recipient)).code == code


def test_the_switches_of_people_hold_when_starting() -> None:
    """Somebody who was switched off would still be reached (ITS-118, ITS-120)."""
    admin, off, gone = (
        party("a", "admin"),
        party("s", off=True),
        party("s", active=False),
    )

    def initiate(sender: Party, recipient: Party) -> str:
        return decide("initiate", Case(POLICY, sender, recipient)).code

    assert initiate(admin, off) == "messaging_disabled_recipient"
    assert initiate(admin, gone) == "recipient_unavailable"
    assert initiate(off, admin) == "messaging_disabled_sender"


@pytest.mark.parametrize(
    "off",
    [SwitchedOff(roles=("student", "guest")), SwitchedOff(rosters=("course:m",))],
)
def test_groups_of_people_can_be_switched_off(off: SwitchedOff) -> None:
    """A school could not take messaging from a profile or a class (ITS-118, 123)."""
    policy = changed(switched_off=off)
    teacher = party("t", "teacher", on=(("course", "n", "teacher"),))
    both = (("course", "m", "student"), ("course", "n", "student"))
    pupil, helper = party("s", on=both), party("h", "student", "supervisor")
    assert decide("initiate", Case(policy, pupil, teacher)).code == (
        "messaging_disabled_sender"
    )
    assert decide("initiate", Case(policy, teacher, pupil)).code == (
        "messaging_disabled_recipient"
    )
    assert decide("start", Case(policy, helper, kind="group")).allowed


def test_starting_kinds_and_rosters() -> None:
    """A course would be written to by who is not in it (ITS-3, ITS-17)."""
    anybody = party("s")

    def start(kind: Kind, role: str | None = None, count: int = 1) -> str:
        case = Case(POLICY, anybody, kind=kind, roster_role=role, count=count)
        return decide("start", case).code

    assert start("group") == ""
    assert start("self") == "forbidden"
    assert start("course", "student", 2000) == ""
    assert start("course") == "not_enrolled"
    assert start("course", "observer") == "role_cannot_initiate"
    assert start("group", count=300) == ""
    assert start("group", count=301) == "too_many_recipients"


def test_a_mutual_block_is_silent_until_somebody_writes() -> None:
    """The blocked one would see it, or could go on (ITS-95 … 98)."""
    mine = standing("member", "direct", between=Between(blocked=True))
    theirs = standing("member", "direct", between=Between(blocked_by=True))
    assert decide("send", mine).code == "blocked"
    assert decide("send", theirs).code == "recipient_unavailable"
    assert "send" in denied(mine)
    assert "send" not in denied(theirs)
    group = standing("member", "group", between=Between(blocked_by=True))
    assert decide("send", group).allowed
    teacher = standing("teacher", "direct", between=Between(blocked_by=True))
    assert decide("send", teacher).allowed
