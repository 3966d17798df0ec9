"""If these fail, somebody may do what the school forbids, or not what it allows."""

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from chatd.domain.conversations import ConversationRecord, Kind, State
from chatd.domain.messages import MessageRecord
from chatd.domain.policy import Action
from chatd.domain.presets import PRESETS
from chatd.domain.verdicts import (
    DEEDS,
    Standing,
    denied,
    may,
    may_edit,
    may_initiate,
    may_remove,
    may_start,
    may_start_for_roster,
)
from chatd_protocol.chat import objects
from tests.domain.people import party, person

POLICY = PRESETS["itslearning"]
GOLDEN = Path(__file__).with_name("golden") / "itslearning.txt"

PEOPLE = {
    "member": (person("u", "student"), "student"),
    "creator": (person("c", "student"), "student"),
    "teacher": (person("t", "teacher"), "teacher"),
    "admin": (person("a", "admin"), None),
}
STATES: tuple[State, ...] = ("open", "closed", "deleted")
KINDS: tuple[Kind, ...] = ("direct", "group", "course", "project")


def standing(
    who: str, kind: Kind, state: State = "open", **changes: object
) -> Standing:
    someone, role = PEOPLE[who]
    conversation = ConversationRecord(
        id="x",
        kind=kind,
        state=state,
        title="",
        created_by="c",
    )
    known = Standing(
        policy=POLICY,
        person=someone,
        conversation=conversation,
        member=True,
        roster_role=role if kind in ("course", "project") else None,
        peer=person("p") if kind == "direct" else None,
    )
    return replace(known, **changes)  # type: ignore[arg-type]


def matrix() -> str:
    """Who may do what where, a line each, as documentation would show it."""
    lines = []
    for kind in KINDS:
        for state in STATES:
            for who in PEOPLE:
                codes = denied(standing(who, kind, state))
                row = " ".join(
                    f"{action}={codes.get(action, 'yes')}" for action in DEEDS
                )
                lines.append(f"{kind} {state} {who}: {row}")
    return "\n".join(lines) + "\n"


def test_the_whole_matrix_is_as_it_was_agreed() -> None:
    """A right changed that nobody meant to change."""
    assert matrix() == GOLDEN.read_text("utf-8")


def test_every_action_of_the_contract_is_judged() -> None:
    """A client would be told that it may do something that is then refused."""
    assert set(DEEDS) == set(get_args(objects.Action)) == set(get_args(Action))


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
    assert may(action, standing(who, kind)).allowed is allowed


@pytest.mark.parametrize(
    ("changes", "state", "code"),
    [
        ({"member": False}, "open", "not_participant"),  # ITS-65
        ({"policy": replace(POLICY, enabled=False)}, "open", "messaging_disabled_site"),
        ({"person": person("u", off=True)}, "open", "messaging_disabled_sender"),
        ({"peer": person("p", off=True)}, "open", "messaging_disabled_recipient"),
        ({"peer": person("p", active=False)}, "open", "recipient_unavailable"),
        ({}, "closed", "conversation_closed"),  # ITS-100
        ({}, "deleted", "conversation_deleted"),  # ITS-102
    ],
)
def test_why_somebody_cannot_send(
    changes: dict[str, object], state: State, code: str
) -> None:
    """The sender would get no reason, or the wrong one (ITS-118 … 123, ITS-130)."""
    assert may("send", standing("member", "direct", state, **changes)).code == code


def test_a_removed_student_of_a_course_is_not_enrolled() -> None:
    """The refusal would speak of a list that the student cannot be put on (ITS-3)."""
    gone = standing("member", "course", member=False)
    assert may("send", gone).code == "not_enrolled"


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
    here = standing("teacher", "group")
    assert may_edit(here, message("t"), 10**12).allowed
    assert may_edit(here, message("u"), 10**12).code == "forbidden"
    assert may_edit(here, message("t", kind="system"), 10**12).code == "forbidden"
    hurried = replace(here, policy=replace(POLICY, edit_window_s=60))
    assert may_edit(hurried, message("t"), 61_000).allowed
    assert may_edit(hurried, message("t"), 61_001).code == "edit_window_over"


def test_removing_own_and_others() -> None:
    """A student could silence others, or not take back an own word (ITS-41, 81)."""
    assert may_remove(standing("member", "group"), message("u")).allowed
    assert not may_remove(standing("member", "group"), message("t")).allowed
    assert may_remove(standing("teacher", "group"), message("u")).allowed


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
def test_who_may_write_first(sender: object, recipient: object, code: str) -> None:
    """A stranger could write to a child, or a pupil not to the teacher (ITS-123)."""
    assert may_initiate(POLICY, sender, recipient).code == code  # type: ignore[arg-type]


def test_the_switches_of_people_hold_when_starting() -> None:
    """Somebody who was switched off would still be reached (ITS-118, ITS-120)."""
    admin = party("a", "admin")
    off = replace(party("s"), person=person("s", off=True))
    gone = replace(party("s"), person=person("s", active=False))
    assert may_initiate(POLICY, admin, off).code == "messaging_disabled_recipient"
    assert may_initiate(POLICY, admin, gone).code == "recipient_unavailable"
    assert may_initiate(POLICY, off, admin).code == "messaging_disabled_sender"


def test_starting_kinds_and_rosters() -> None:
    """A course would be written to by who is not in it (ITS-3, ITS-17)."""
    anybody = person("s")
    assert may_start(POLICY, anybody, "group").allowed
    assert may_start(POLICY, anybody, "mass").code == "forbidden"
    assert may_start_for_roster(POLICY, anybody, "student").allowed
    assert may_start_for_roster(POLICY, anybody, None).code == "not_enrolled"
    observer = may_start_for_roster(POLICY, anybody, "observer")
    assert observer.code == "role_cannot_initiate"
