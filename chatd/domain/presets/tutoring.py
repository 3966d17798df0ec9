"""The tutoring preset: one-to-one talks between students and tutors of batches.

A course and a batch of it differ (TUT-21): a student reaches every tutor of the course,
a tutor starts only with students of an own batch. Nobody edits, deletes or blocks; a
report goes to the platform's team. Whoever was written to may answer until nothing
connects the two any longer; then the talk can only be read (TUT-34).
"""

from typing import Final

from chatd.domain.policy import InitiateRule, Pii, Policy, Relation, Report, Roles

_TUTORS: Final[Roles] = ("teacher",)
_STUDENTS: Final[Roles] = ("student",)

TUTORING: Final = Policy(
    name="tutoring",
    kinds=("direct",),  # TUT-1
    recipient_kinds=("user",),
    initiate=(
        InitiateRule(
            id="tutor-of-course",
            senders=_STUDENTS,
            recipients=_TUTORS,
            relation=Relation.TAUGHT_BY,
            basis=("TUT-12", "TUT-14", "TUT-19"),
        ),
        InitiateRule(
            id="batch-mate",
            senders=_STUDENTS,
            recipients=_STUDENTS,
            relation=Relation.SAME_BATCH,
            basis=("TUT-13", "TUT-14", "TUT-19"),
        ),
        InitiateRule(
            id="own-batch",
            senders=_TUTORS,
            recipients=_STUDENTS,
            relation=Relation.BATCH_OF_MINE,
            basis=("TUT-15", "TUT-17", "TUT-21"),
        ),
        InitiateRule(
            id="fellow-tutor",
            senders=_TUTORS,
            recipients=_TUTORS,
            relation=Relation.SAME_INSTITUTION,
            basis=("TUT-16", "TUT-36"),
        ),
        InitiateRule(
            id="institution",
            senders=("owner", "admin"),
            recipients=_TUTORS + _STUDENTS,
            relation=Relation.SAME_INSTITUTION,
            basis=("TUT-18", "TUT-36"),
        ),
    ),
    reply="always",  # TUT-20
    relationship_ended="read_only",  # TUT-34
    rights={
        "send": {"direct": ("member",)},  # TUT-35
        "deleteOthers": {"direct": ("reviewer",)},  # TUT-28
    },
    tombstone="neutral",
    retain_removed_days=90,
    report=Report(
        to="central_queue",  # TUT-28
        anonymous="always",
        gives_access="read_context",
        reviewers=("owner", "admin"),  # besides whoever has the scope `moderation`
    ),
    staff_read="only_reported",
    enter_sends=True,  # TUT-9
    availability="show_and_hint",  # TUT-32
    pii=Pii(phone="warn_sender", social="warn_sender", flag=True),  # TUT-26
    search_people="permitted",  # TUT-22
)
