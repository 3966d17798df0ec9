"""Deeds about reports in the school of `school_life`: adam looks after them.

He has nothing to do with any conversation there, until a report lets him in.
"""

from collections.abc import Mapping

from chatd.actions import conversations, members, reading
from chatd.actions.reporting import filing, restoring, reviewing
from chatd_protocol.chat import requests
from chatd_protocol.chat.reporting.reports import (
    OpenReport,
    ResolveReport,
    RestoreConversation,
    WithdrawReport,
)
from tests.actions.deeds import report, report_whole
from tests.actions.school_life import (
    Deed,
    Life,
    adding,
    asking,
    deleting,
    editing,
    one_after_another,
    removing,
    saying,
)


def reporting(name: str, user: str) -> Deed:
    async def run(life: Life) -> None:
        made = await report(life.school, user, life.said[name].id, "adam", text="mean")
        life.ids["report"] = made.id

    return run


async def report_group(life: Life) -> None:
    made = await report_whole(life.school, "sue", life.ids["group"], "adam")
    life.ids["report"] = made.id


async def withdraw(life: Life) -> None:
    request = WithdrawReport(report_id=life.ids["report"])
    await life.does(filing.withdraw, "sue", request)


async def enter(life: Life) -> None:
    request = OpenReport(report_id=life.ids["report"], enter=True)
    await life.does(reviewing.open_, "adam", request)


def resolve(*, remove: bool = False) -> Deed:
    async def run(life: Life) -> None:
        request = ResolveReport(
            report_id=life.ids["report"], decision="warned", remove_message=remove
        )
        await life.does(reviewing.resolve, "adam", request)

    return run


AS_GUEST = one_after_another(report_group, enter)
DELETE = asking(conversations.delete, "adam", requests.DeleteConversation, of="group")
RESTORE = asking(restoring.restore, "adam", RestoreConversation, of="group")
LEAVE = asking(conversations.leave, "adam", requests.LeaveConversation, of="group")
ADD_ADAM = asking(
    members.add, "anna", requests.AddParticipants, of="group", user_ids=("adam",)
)

REPORTING: Mapping[str, Deed] = {
    "report": reporting("anna's", "sue"),
    "report what one may still read": reporting("early", "uma"),
    "report and withdraw": one_after_another(reporting("last", "sue"), withdraw),
    "report and resolve": one_after_another(reporting("last", "sue"), resolve()),
    "report, and it is removed": one_after_another(
        reporting("vic's", "sue"), resolve(remove=True)
    ),
    "report twice": one_after_another(
        reporting("last", "sue"), reporting("last", "tom"), reporting("last", "sue")
    ),
    "report in a direct one": one_after_another(
        reporting("direct", "anna"), resolve(remove=True)
    ),
    "come as a guest": AS_GUEST,
    "a guest speaks": one_after_another(
        AS_GUEST, saying("adam", "group"), saying("tom", "group")
    ),
    "a guest reads": one_after_another(
        AS_GUEST,
        saying("tom", "group"),
        asking(reading.mark_read, "adam", requests.MarkRead, of="group", seq=99),
    ),
    "a guest removes": one_after_another(AS_GUEST, deleting("vic's", "adam")),
    "a guest sees edits": one_after_another(AS_GUEST, editing("anna's", "early")),
    "a guest leaves": one_after_another(
        AS_GUEST, saying("adam", "group"), LEAVE, saying("tom", "group")
    ),
    "a guest goes and comes": one_after_another(
        AS_GUEST, LEAVE, saying("tom", "group"), enter, editing("news")
    ),
    "a guest goes with the report": one_after_another(
        AS_GUEST, withdraw, saying("tom", "group")
    ),
    "a guest goes with the decision": one_after_another(
        AS_GUEST, saying("adam", "group"), resolve(), deleting("last")
    ),
    "a guest closes": one_after_another(
        AS_GUEST,
        asking(conversations.close, "adam", requests.CloseConversation, of="group"),
    ),
    "a guest deletes": one_after_another(AS_GUEST, DELETE),
    "a guest deletes and restores": one_after_another(
        AS_GUEST, DELETE, RESTORE, saying("tom", "group")
    ),
    "a guest is added": one_after_another(AS_GUEST, ADD_ADAM, saying("tom", "group")),
    "a guest is added and removed": one_after_another(
        AS_GUEST, ADD_ADAM, removing("adam"), saying("tom", "group"), deleting("last")
    ),
    "who was there comes as a guest": one_after_another(
        adding("adam"), removing("adam"), saying("tom", "group"), AS_GUEST, resolve()
    ),
    "who was there is a guest for good": one_after_another(
        adding("adam"),
        removing("adam"),
        editing("early"),
        saying("tom", "group"),
        AS_GUEST,
        editing("last"),
    ),
}
"""What is seen of reports: by the reporter, by adam, and by nobody else."""
