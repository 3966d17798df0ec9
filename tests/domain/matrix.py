"""Who may do what under each preset, as tables for people: docs/policy.md.

`python -m tests.domain.matrix` writes the file; a test says when it is stale. What a
row follows is named by the number of the platform's requirement.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from chatd.domain.cases import ROSTER_KINDS, Case
from chatd.domain.conversations import ConversationRecord, Kind, State
from chatd.domain.people import NO_DETAILS, ROLES, Details, Enrolment
from chatd.domain.policy import Action, Policy
from chatd.domain.presets import PRESETS
from chatd.domain.presets.changing import as_json
from chatd.domain.relations import NOTHING, Between, Party
from chatd.domain.verdicts import ACTIONS, decide
from tests.domain.people import person

FILE: Final = Path(__file__).resolve().parents[2] / "docs" / "policy.md"
STATES: Final[tuple[State, ...]] = ("open", "closed", "deleted")

# The numbers behind the rights of each preset, by action; "" is what all actions share.
BASIS: Final[Mapping[str, Mapping[str, str]]] = {
    "ispring": {
        "send": "ISP-4, ISP-7, ISP-25",
        "delete": "ISP-13, ISP-15",
        "deleteConversation": "ISP-16, ISP-18",
        "addParticipants": "ISP-33",
        "removeParticipants": "ISP-33",
    },
    "itslearning": {
        "send": "ITS-65, ITS-100, ITS-102",
        "edit": "ITS-38, ITS-105, ITS-139",
        "delete": "ITS-38, ITS-81",
        "deleteOthers": "ITS-41, ITS-78, ITS-80, ITS-88, ITS-91",
        "restore": "ITS-92, ITS-104",
        "report": "ITS-39, ITS-40, ITS-82, ITS-105",
        "reportConversation": "ITS-29, ITS-37, ITS-90",
        "forward": "ITS-38, ITS-39, ITS-42",
        "rename": "ITS-28, ITS-37",
        "addParticipants": "ITS-32, ITS-37, ITS-69, ITS-105",
        "removeParticipants": "ITS-33, ITS-66, ITS-67",
        "leave": "ITS-30, ITS-37",
        "close": "ITS-31, ITS-34, ITS-106",
        "reopen": "ITS-101",
        "deleteConversation": "ITS-35, ITS-102",
    },
    "tutoring": {
        "send": "TUT-20, TUT-34",
        "edit": "TUT-35",
        "delete": "TUT-35",
        "deleteOthers": "TUT-28",
        "report": "TUT-27",
    },
    "moodle": {
        "send": "MOO-17, MOO-18, MOO-19",
        "edit": "MOO-92",
        "report": "MOO-92",
        "delete": "MOO-52, MOO-53",
        "deleteOthers": "MOO-52, MOO-54, MOO-80",
        "deleteForMe": "MOO-51, MOO-53, MOO-55, MOO-79",
        "rename": "MOO-49",
        "leave": "MOO-49",
        "close": "MOO-49",
        "deleteConversation": "MOO-33, MOO-56, MOO-57",
    },
}

# The numbers behind verdicts that no row of `initiate` gives.
OTHERWISE: Final[Mapping[str, Mapping[str, str]]] = {
    "ispring": {
        "override": "ISP-1, ISP-2",
        "initiate": "ISP-5, ISP-30",
    },
    "itslearning": {"override": "ITS-123", "initiate": "ITS-54, ITS-123"},
    "tutoring": {"initiate": "TUT-14, TUT-17, TUT-19, TUT-20"},
    "moodle": {
        "override": "MOO-17, MOO-83",
        "initiate": "MOO-12, MOO-23",
        "recipientPrivacy": "MOO-13, MOO-15, MOO-20",
    },
}


@dataclass(frozen=True)
class Scene:
    """What connects two people: what each is on, what the sender has, what they did."""

    name: str
    mine: tuple[Enrolment, ...] = ()
    theirs: tuple[Enrolment, ...] = ()
    about_me: Details = NO_DETAILS
    about_them: Details = NO_DETAILS
    between: Between = NOTHING


def _both(name: str, kind: str, mine: str, theirs: str, variety: str = "") -> Scene:
    return Scene(
        name,
        (Enrolment(kind, "x", mine, variety),),
        (Enrolment(kind, "x", theirs, variety),),
    )


_APART: Final = (
    Enrolment("unit", "here", "student", "", ("north",)),
    Enrolment("unit", "there", "student", "", ("south",)),
)
_HEAD: Final = (Enrolment("unit", "top", "manager"),)
_BELOW: Final = (Enrolment("unit", "low", "student", "", ("top",)),)
_BESIDE: Final = (Enrolment("unit", "side", "student", "", ("top",)),)
NOTHING_IN_COMMON: Final = Scene("nothing in common")
SCENES: Final = (
    Scene("same institution", _BELOW, _BESIDE),
    _both("same unit", "unit", "student", "student"),
    Scene("manages the unit above", _HEAD, _BELOW),
    Scene("the other manages the unit above", _BELOW, _HEAD),
    _both("same course", "course", "student", "student"),
    _both("teaches the other", "course", "teacher", "student"),
    _both("taught by the other", "course", "student", "instructor"),
    _both("same batch", "group", "student", "student", "batch"),
    _both("tutor of the other's batch", "group", "teacher", "student", "batch"),
    _both("same project", "project", "student", "student"),
    Scene("supervises the other", about_me=Details(supervises=("b",))),
    Scene("supervised by the other", about_them=Details(supervises=("a",))),
    Scene("guardian of the other", about_me=Details(guardian_of=("b",))),
    Scene("contacts", between=Between(contact=True)),
)


def _people(scene: Scene, sender: str, recipient: str) -> tuple[Party, Party]:
    apart = not any(one.kind == "unit" for one in scene.mine)
    mine = (*scene.mine, _APART[0]) if apart else scene.mine
    theirs = (*scene.theirs, _APART[1]) if apart else scene.theirs
    return (
        Party(replace(person("a", sender), details=scene.about_me), mine),
        Party(replace(person("b", recipient), details=scene.about_them), theirs),
    )


def _numbers(policy: Policy, rule: str) -> str:
    for row in policy.initiate:
        if row.id == rule:
            return ", ".join(row.basis)
    family = policy.name.partition("-")[0]
    return OTHERWISE[family].get(rule, "")


_Outcome = tuple[str, str]
"""`yes` or a code, and the rule that decided."""


def _first(policy: Policy, scene: Scene, sender: str) -> dict[str, _Outcome]:
    """By the recipient's role."""
    found: dict[str, _Outcome] = {}
    for recipient in ROLES:
        me, other = _people(scene, sender, recipient)
        verdict = decide("initiate", Case(policy, me, other, scene.between))
        found[recipient] = ("yes" if verdict.allowed else verdict.code, verdict.rule)
    return found


def _first_rows(policy: Policy, sender: str) -> Iterator[tuple[str, ...]]:
    """Connection, recipients, verdict, rule, numbers; only what the scene changes."""
    usual = _first(policy, NOTHING_IN_COMMON, sender)
    for scene in (NOTHING_IN_COMMON, *SCENES):
        outcomes = _first(policy, scene, sender)
        groups: dict[_Outcome, list[str]] = {}
        for recipient, outcome in outcomes.items():
            if scene is NOTHING_IN_COMMON or outcome != usual[recipient]:
                groups.setdefault(outcome, []).append(recipient)
        for (word, rule), recipients in groups.items():
            everybody = len(recipients) == len(ROLES)
            whom = "everybody" if everybody else ", ".join(recipients)
            yield scene.name, whom, word, f"`{rule}`", _numbers(policy, rule)


def first_table(policy: Policy) -> Iterator[str]:
    """Who may write first to whom; roles that may do the same share their rows."""
    alike: dict[tuple[tuple[str, ...], ...], list[str]] = {}
    for sender in ROLES:
        alike.setdefault(tuple(_first_rows(policy, sender)), []).append(sender)
    yield from _table(
        ("sender", "connected by", "recipient", "may", "rule", "requirements"),
        ((", ".join(senders), *row) for rows, senders in alike.items() for row in rows),
    )


WHO: Final[Mapping[str, tuple[str, str | None, str]]] = {
    "member": ("student", "student", "u"),
    "creator": ("student", "student", "c"),
    "teacher": ("teacher", "teacher", "t"),
    "admin": ("admin", None, "a"),
    "former member": ("student", None, "f"),
    "guest": ("teacher", None, "g"),
    "reviewer": ("teacher", None, "r"),
}
"""Role, role on the roster of the conversation, id (`c` has created it). Guest and
reviewer are no members: a report of a group, or of something, has brought them."""

THROUGH: Final[Mapping[str, Literal["guest", "reviewer"]]] = {
    "guest": "guest",
    "reviewer": "reviewer",
}


def case(policy: Policy, who: str, kind: Kind, state: State) -> Case:
    """Somebody in a conversation of a kind; the other one of a direct is a teacher."""
    role, roster_role, id_ = WHO[who]
    conversation = ConversationRecord(
        id="x", kind=kind, state=state, title="", created_by="c"
    )
    course = Enrolment("course", "c", "student")
    other = Party(person("p", "teacher"), (Enrolment("course", "c", "instructor"),))
    return Case(
        policy,
        Party(person(id_, role), (course,)),
        other if kind == "direct" else None,
        conversation=conversation,
        member=who != "former member" and who not in THROUGH,
        through=THROUGH.get(who, ""),
        roster_role=roster_role if kind in ROSTER_KINDS else None,
    )


def _cell(policy: Policy, action: Action, who: str, kind: Kind) -> str:
    words = [
        decide(action, case(policy, who, kind, state)).code or "yes" for state in STATES
    ]
    return words[0] if len(set(words)) == 1 else " / ".join(words)


def rights_table(policy: Policy, kind: Kind) -> Iterator[str]:
    """Who may do what in a kind of conversation: open / closed / deleted."""
    basis = BASIS[policy.name.partition("-")[0]]
    yield from _table(
        ("action", *WHO, "requirements"),
        (
            (
                f"`{action}`",
                *(_cell(policy, action, who, kind) for who in WHO),
                basis.get(action, ""),
            )
            for action in ACTIONS
        ),
    )


def keys_table() -> Iterator[str]:
    """Every other key of the policy, by preset."""
    shown = {name: as_json(policy) for name, policy in PRESETS.items()}
    keys = [key for key in shown["itslearning"] if key not in ("initiate", "rights")]
    yield from _table(
        ("key", *shown),
        ((f"`{key}`", *(_value(shown[name][key]) for name in shown)) for key in keys),
    )


def _value(value: object) -> str:
    if isinstance(value, dict):
        lines = (f"{key}: {_value(one)}" for key, one in value.items())
        return "; ".join(lines) or "–"
    if isinstance(value, list | tuple):
        return ", ".join(str(one) for one in value) or "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None else str(value)


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{' --- |' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


HEAD: Final = """\
# Policy

A tenant follows one of five presets, and may change every key of it with
`PUT /v1/tenants/{id}/policy` (scope `admin`), say with
`{"policy": {"recipientsMax": 50, "retainDays": {"direct": 365}}}`: keys that are absent
follow the preset, unknown ones are refused by name, and what changes holds at once,
live, for everybody. `GET` of the same shows what holds. `POST /v1/policy/check` answers
what a deed would be answered.

One function decides for every path. In this order: the site's and the sender's switch,
taking part, the ordered rules and rights, the recipient's preference, blocks, the
recipient's switch, the conversation's state, limits. A refusal carries its reason code,
and every verdict the rule that decided.

`initiate` holds rows `{id, senders, recipients, relation, effect, enabled}`: the first
that fits a sender and a recipient decides, and where none fits the answer is no. A row
that is not `enabled` is a switch for a school to turn on. `rights` says for each action
and kind of conversation who has the right: `member`, `creator`, `staff`; what counts as
staff is the key `staff`. By a report others get rights, too: the `guest` who came into
a reported group, and the `reviewer` who looks after a report of something there.

This file is generated: `python -m tests.domain.matrix` writes it, a test says when it
is stale. The numbers are those of the platforms' requirements.
"""


def document() -> str:
    """The whole file."""
    lines = [HEAD, "## The keys, by preset", "", *keys_table()]
    for policy in PRESETS.values():
        lines += [f"## Preset `{policy.name}`", "", "### Who may write first", ""]
        lines += first_table(policy)
        switches = [row.id for row in policy.initiate if not row.enabled]
        if switches:
            lines += [f"Switches: {', '.join(switches)}.", ""]
        for kind in policy.kinds:
            lines += [f"### In a conversation of kind `{kind}`", ""]
            lines += ["Where three words stand: open / closed / deleted.", ""]
            lines += rights_table(policy, kind)
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    FILE.write_text(document(), encoding="utf-8")
