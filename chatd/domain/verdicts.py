"""The one place that decides: facts in, a verdict with its reason code out.

Every door and path asks `decide`: hub, HTTP, lists, search, recipient search, live
delivery, replay. The order is: the site's and the sender's switch → being part of it →
the ordered rules and rights → the recipient's preference → blocks → the recipient's
switch → the conversation's state → limits. The recipient's switch comes late, so that
nothing about a person is told to somebody who may not reach that person.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, cast, get_args

from chatd.domain.cases import (
    ROSTER_KINDS,
    Case,
    connects,
    exempt,
    fits,
    has,
    overrides,
    overrides_everywhere,
    switched_off,
)
from chatd.domain.people import Accepts
from chatd.domain.policy import (
    Action,
    Deed,
    Relation,
    Verdict,
    allow,
    refuse,
)
from chatd.domain.relations import PREDICATES

_STATE_CODES: Final[Mapping[str, str]] = {
    "closed": "conversation_closed",
    "deleted": "conversation_deleted",
}


@dataclass(frozen=True, slots=True)
class _Row:
    """What a deed needs besides the right to it.

    `speaks`: it brings words before others, so messaging must be on for the person;
    `reaches`: and for the other one of a direct conversation;
    `former`: whoever was part of it may, too, about what he saw;
    `refused_in`: states of the conversation that forbid it (ITS-100, 102, 105).
    """

    deed: Deed
    speaks: bool = False
    reaches: bool = False
    former: bool = False
    refused_in: frozenset[str] = frozenset()


_WRITABLE: Final = frozenset({"closed", "deleted"})
_NOT_DELETED: Final = frozenset({"deleted"})

_ROWS: Final = (
    _Row("initiate", speaks=True, reaches=True),
    _Row("start", speaks=True),
    _Row("upload", speaks=True),
    _Row("send", speaks=True, reaches=True, refused_in=_WRITABLE),
    _Row("edit", speaks=True, refused_in=_WRITABLE),
    _Row("delete"),
    _Row("deleteOthers"),
    _Row("deleteForMe"),
    _Row("forward"),
    _Row("rename", speaks=True, refused_in=_WRITABLE),
    _Row("addParticipants", speaks=True, refused_in=_WRITABLE),
    _Row("removeParticipants"),
    _Row("leave"),
    _Row("close", refused_in=_NOT_DELETED),
    _Row("reopen", refused_in=_NOT_DELETED),
    _Row("deleteConversation"),
    _Row("restore"),
    _Row("report", former=True),
    _Row("reportConversation", former=True),
    _Row("reportTo"),
    _Row("review"),
)
DEEDS: Final[Mapping[Deed, _Row]] = {row.deed: row for row in _ROWS}
"""Every deed. What undoes harm is possible in every state."""

ACTIONS: Final[tuple[Action, ...]] = get_args(Action)


def decide(deed: Deed, case: Case) -> Verdict:
    """May this person do this? The first step that refuses gives the reason."""
    row = DEEDS[deed]
    rule: str = deed
    for step in _ORDER:
        verdict = step(row, case)
        if verdict is None:
            continue
        if not verdict.allowed:
            return verdict
        rule = verdict.rule
    return allow(rule)


def denied(case: Case) -> dict[str, str]:
    """Every action that is not allowed in a conversation, with its reason code.

    A silent block is never visible here (ITS-96).
    """
    verdicts = {action: decide(action, case) for action in ACTIONS}
    return {
        action: verdict.code
        for action, verdict in verdicts.items()
        if not verdict.allowed and not verdict.silent
    }


# ------------------------------------------------------------ the steps, in order


def _switches(row: _Row, case: Case) -> Verdict | None:
    if not row.speaks:
        return None
    if not case.policy.enabled:
        return refuse("messaging_disabled_site", "enabled")
    if switched_off(case.policy, case.sender):
        return refuse("messaging_disabled_sender", "sender")
    return None


def _part_of_it(row: _Row, case: Case) -> Verdict | None:
    if case.conversation is None or case.member or case.through or row.former:
        return None
    code = "not_enrolled" if case.where in ROSTER_KINDS else "not_participant"
    return refuse(code, "membership")


def _rules(row: _Row, case: Case) -> Verdict | None:
    if (of_its_own := _OF_THEIR_OWN.get(row.deed)) is not None:
        return of_its_own(case)
    rule = f"{row.deed}.{case.where}"
    action = cast(Action, row.deed)
    who = case.policy.rights.get(action, {}).get(case.where, ())
    if not has(who, case):
        mute = row.deed == "send" and case.where == "mass"  # ITS-108
        return refuse("mass_no_reply" if mute else "forbidden", rule)
    if (refusal := _own_message(row, case)) is not None:
        return refusal
    if row.reaches and case.where == "direct" and case.recipient is not None:
        return _reply(case) or allow(rule)
    return allow(rule)


def _upload(case: Case) -> Verdict:
    offered = case.policy.attachments
    return allow("attachments") if offered else refuse("forbidden", "attachments")


def _initiate(case: Case) -> Verdict:
    if overrides_everywhere(case):
        return allow("override")
    rows = [
        rule
        for rule in case.policy.initiate
        if rule.enabled and fits(rule.senders, case.sender)
    ]
    if not rows:
        return refuse("role_cannot_initiate", "initiate")
    row = next((row for row in rows if connects(row, case)), None)
    if row is None or row.effect == "deny":
        return refuse("no_relationship", "initiate" if row is None else row.id)
    return allow(row.id)


def _start(case: Case) -> Verdict:
    kind, policy = case.where, case.policy
    rule = f"start.{kind}"
    if kind not in policy.kinds:
        return refuse("forbidden", rule)
    if kind == "mass":
        return allow(rule) if _to_many(case) else refuse("forbidden", "mass")
    if kind == "direct" and case.individually:
        many = _one_by_one(case)
        return allow(rule) if many else refuse("forbidden", "fanout")
    if kind in ROSTER_KINDS:
        # Not on it is also the answer for a roster that does not exist (ITS-3).
        if case.roster_role is None:
            return refuse("not_enrolled", rule)
        if case.roster_role not in policy.roster_starters:
            return refuse("role_cannot_initiate", rule)
    if kind == "group" and not fits(policy.group_creators, case.sender):
        return refuse("role_cannot_initiate", rule)
    return allow(rule)


def _report(case: Case) -> Verdict:
    """Whether somebody may report a message, which is in every state (ITS-105)."""
    if case.policy.report.to == "none" or case.where == "self" or case.through:
        return refuse("forbidden", "report.to")
    if case.message is not None and case.message.author_id == case.sender.person.id:
        return refuse("forbidden", "report.own")  # ITS-40
    return allow("report.to")


def _report_whole(case: Case) -> Verdict:
    if case.where not in case.policy.report.whole:  # ITS-29, 37
        return refuse("forbidden", "report.whole")
    return _report(case)


def _report_to(case: Case) -> Verdict:
    """Whether the recipient may be chosen to look after a report (ITS-83).

    Nobody is asked to judge his own words, nor sees a report of them.
    """
    report, pair = case.policy.report, case.pair
    if report.to != "chosen_teacher" or pair is None:
        return refuse("forbidden", "report.to")
    known = pair.recipient.person
    if not known.active or known.id == pair.sender.person.id:
        return refuse("forbidden", "report.chosen")
    if case.message is not None and case.message.author_id == known.id:
        return refuse("forbidden", "report.own")
    if any(role in report.reviewers for role in known.roles):
        return allow("report.reviewers")
    connected = any(PREDICATES[one](pair) for one in report.chosen)
    return allow("report.chosen") if connected else refuse("forbidden", "report.chosen")


def _review(case: Case) -> Verdict:
    """Whether somebody looks after a report; to all others there is none."""
    report, me = case.report, case.sender.person
    if report is None or report.author_id == me.id:
        return refuse("not_found", "review.own")
    if "safeguarding" in case.scopes:
        return allow("review.safeguarding")
    if report.destination:
        mine = report.destination == me.id
        return allow("review.chosen") if mine else refuse("not_found", "review.chosen")
    if "moderation" in case.scopes:
        return allow("review.moderation")
    if any(role in case.policy.report.reviewers for role in me.roles):
        return allow("review.queue")
    return refuse("not_found", "review.queue")


def _one_by_one(case: Case) -> bool:
    """Whether the sender may write to several at once, one by one (ITS-44, MOO-63)."""
    fanout = case.policy.fanout
    return _to_many(case) if fanout == "mass" else fanout == "everybody"


def _to_many(case: Case) -> bool:
    """Whether the sender may send mass messages (ITS-107, MOO-63)."""
    mass, person = case.policy.mass, case.sender.person
    privileged = any(one in mass.privileges for one in person.details.privileges)
    return privileged or any(role in mass.roles for role in person.roles)


def _reply(case: Case) -> Verdict | None:
    """Whether a direct conversation may still be written in, as the rules go."""
    policy, pair = case.policy, case.pair
    if policy.reply == "same_as_initiate":
        verdict = _initiate(case)
        return None if verdict.allowed else verdict
    if policy.relationship_ended != "read_only" or pair is None:
        return None
    # Whoever was answered may go on as long as one of the two might write first.
    turned = pair.turned()
    other = replace(
        case, sender=turned.sender, recipient=turned.recipient, between=turned.between
    )
    if _initiate(case).allowed or _initiate(other).allowed:
        return None
    return refuse("relationship_ended", "relationshipEnded")


def _own_message(row: _Row, case: Case) -> Verdict | None:
    message = case.message
    if message is None:
        return None
    own = message.author_id == case.sender.person.id
    if row.deed == "edit":
        if not own or message.kind != "text":
            return refuse("forbidden", "edit.own")
        window_s = case.policy.edit_window_s
        if window_s and case.now_ms - message.created_at_ms > window_s * 1000:
            return refuse("edit_window_over", "editWindowS")
    if row.deed == "delete" and not own:
        return refuse("forbidden", "delete.own")
    return None


def _preference(row: _Row, case: Case) -> Verdict | None:
    """What the recipient accepts (MOO-13 … 20); nobody is judged as a stranger is."""
    privacy = case.policy.recipient_privacy
    asked = row.deed == "initiate" or (
        row.reaches
        and case.where == "direct"
        and case.policy.reply == "same_as_initiate"
    )
    if not (asked and privacy.enabled) or overrides(case):
        return None
    pair = case.pair
    together = pair is not None and PREDICATES[Relation.SAME_COURSE](pair)
    if pair is not None and PREDICATES[Relation.CONTACT](pair):
        return None
    accepted = _accepted(case)
    if accepted == "anyone" or (accepted == "courses" and together):
        return None
    if not privacy.site_wide and not together:
        return refuse("no_relationship", "recipientPrivacy")
    if accepted == "courses":
        return refuse("privacy_course_only", "recipientPrivacy")
    if case.policy.contacts == "requests":
        return refuse("contact_request_required", "recipientPrivacy")
    return refuse("privacy_contacts_only", "recipientPrivacy")


def _accepted(case: Case) -> Accepts:
    privacy = case.policy.recipient_privacy
    chosen = case.recipient.person.accepts if case.recipient is not None else None
    accepted = chosen or ("anyone" if privacy.site_wide else privacy.default)
    if accepted == "anyone" and not privacy.site_wide:
        return "courses"
    return accepted


def _blocks(row: _Row, case: Case) -> Verdict | None:
    block, pair = case.policy.block, case.pair
    if not row.reaches or pair is None or case.where != "direct":
        return None
    by_other = case.between.blocked_by and not exempt(case, pair.sender)
    by_self = case.between.blocked and not exempt(case, pair.recipient)
    if block.mode == "mutual_silent":
        if by_self:
            return refuse("blocked", "block.mutual_silent")
        if by_other:
            return refuse("recipient_unavailable", "block.mutual_silent", silent=True)
    if block.mode == "one_way" and by_other and not overrides(case):
        return refuse("recipient_unavailable", "block.one_way")
    return None


def _recipient_switch(row: _Row, case: Case) -> Verdict | None:
    if not row.reaches:
        return None
    if case.recipient is None:
        missing = row.deed == "initiate"
        return refuse("recipient_unknown", "recipient") if missing else None
    if not case.recipient.person.active:
        return refuse("recipient_unavailable", "recipient")
    if switched_off(case.policy, case.recipient):
        return refuse("messaging_disabled_recipient", "recipient")
    return None


def _state(row: _Row, case: Case) -> Verdict | None:
    if case.conversation is None or case.conversation.state not in row.refused_in:
        return None
    return refuse(_STATE_CODES[case.conversation.state], "state")


def _limits(row: _Row, case: Case) -> Verdict | None:
    most = case.policy.recipients_max
    # 300 are allowed and 301 are not, each person counted once (ITS-49 … 52); who
    # follows a roster is not counted at all (ITS-51).
    by_hand = row.deed == "start" and case.where not in ROSTER_KINDS
    if by_hand and most is not None and case.count > most:
        return refuse("too_many_recipients", "recipientsMax")
    return None


_OF_THEIR_OWN: Final[Mapping[Deed, Callable[[Case], Verdict]]] = {
    "initiate": _initiate,
    "start": _start,
    "upload": _upload,
    "report": _report,
    "reportConversation": _report_whole,
    "reportTo": _report_to,
    "review": _review,
}
"""Deeds that are judged by more than a row of `rights`."""

_ORDER: Final[tuple[Callable[[_Row, Case], Verdict | None], ...]] = (
    _switches,
    _part_of_it,
    _rules,
    _preference,
    _blocks,
    _recipient_switch,
    _state,
    _limits,
)
