"""What each deed answers to each role, about what is theirs and what is not.

Every hub method and every personal route has a row here: one without a sample request
fails. What comes out is kept as a table of text, to be read by people.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from chatd.actions.between import blocks, contacts
from chatd.actions.content import attachments
from chatd.actions.directory import policies
from chatd.actions.keeping import looking
from chatd.api.deeds import change_conversation
from chatd.domain.content.attachments import AttachmentRecord
from chatd.errors import Refused
from chatd.hub.methods import DEEDS
from chatd.store.content.attachments import Attach, DoomBlob, PutAttachment
from chatd.store.conversations import SetState
from chatd.store.members import Part
from chatd.store.messages import InsertMessage
from chatd.store.people import PutPerson
from chatd.store.reporting.filing import FileReport
from chatd.store.tenants import PutTenant
from chatd_protocol.chat import requests
from chatd_protocol.chat.base import Request
from chatd_protocol.chat.http.keeping import ReadConversations, ReadMessages
from chatd_protocol.chat.policy import CheckPolicy, PolicyVerdict
from chatd_protocol.chat.reporting import reports
from chatd_protocol.chat.requests import Recipient
from chatd_protocol.chat.results import Synced
from chatd_protocol.chat.routes import ChangeConversation
from chatd_protocol.chat.social import mass, people
from tests.actions.deeds import who
from tests.support.house import House

ROLES: Final = {"teacher": "anna", "student": "sue", "admin": "adam"}
PLACES: Final = (
    "own",
    "shared",
    "others'",
    "elsewhere",
    "removed",
    "deleted",
    "unknown",
)
"""One's own; another member's; of other people of the school; of another school; one
that one was removed from; one that was deleted; an id that nobody has."""

ACTIONS: Final[Mapping[str, Callable[..., Awaitable[Any]]]] = {
    **{name: deed.action for name, deed in DEEDS.items()},
    "changeConversation": change_conversation,
    "changeContact": contacts.change,
    "getBlock": blocks.get,
    "checkPolicy": policies.check,
    "getAttachment": attachments.find,
    "readConversations": looking.read_conversations,
    "readMessages": looking.read_messages,
}


@dataclass(frozen=True, slots=True)
class Target:
    """The ids that a request can be about."""

    conversation: str
    message: str
    person: str
    file: str = "nothing"
    report: str = "nothing"


Sample = Callable[[Target], Request | str]


def _about(kind: type[Request], **fields: object) -> Sample:
    return lambda target: kind(conversation_id=target.conversation, **fields)


def _alone(kind: type[Request], **fields: object) -> Sample:
    return lambda _: kind(**fields)


def _person(kind: type[Request]) -> Sample:
    return lambda target: kind(user_id=target.person)


SAMPLES: Final[Mapping[str, Sample]] = {
    "GetMe": _alone(requests.GetMe),
    "UpdatePreferences": _alone(requests.UpdatePreferences, enter_sends=True),
    "GetUnread": _alone(requests.GetUnread),
    "ListConversations": _alone(requests.ListConversations),
    "PreviewRecipients": lambda target: requests.PreviewRecipients(
        recipients=(Recipient(kind="user", id=target.person),)
    ),
    "SearchRecipients": _alone(requests.SearchRecipients, text="a"),
    "GetConversation": _about(requests.GetConversation),
    "StartConversation": lambda target: requests.StartConversation(
        recipients=(Recipient(kind="user", id=target.person),),
        client_request_id=f"r-{target.person}",
    ),
    "RenameConversation": _about(requests.RenameConversation, title="Other"),
    "CloseConversation": _about(requests.CloseConversation),
    "ReopenConversation": _about(requests.ReopenConversation),
    "DeleteConversation": _about(requests.DeleteConversation),
    "RestoreConversation": _about(reports.RestoreConversation),
    "LeaveConversation": _about(requests.LeaveConversation),
    "SetConversationPreferences": _about(
        requests.SetConversationPreferences, starred=True
    ),
    "changeConversation": _about(ChangeConversation, title="Other", muted=True),
    "ListParticipants": _about(requests.ListParticipants),
    "AddParticipants": _about(requests.AddParticipants, user_ids=("uma",)),
    "RemoveParticipant": _about(requests.RemoveParticipant, user_id="tom"),
    "SendMessage": lambda target: requests.SendMessage(
        conversation_id=target.conversation,
        text="x",
        client_message_id=f"k-to-{target.conversation}",
    ),
    "ForwardMessage": lambda target: requests.ForwardMessage(
        message_id=target.message,
        conversation_id=target.conversation,
        client_message_id=f"f-to-{target.conversation}",
    ),
    "EditMessage": lambda target: requests.EditMessage(
        message_id=target.message, text="y"
    ),
    "DeleteMessage": lambda target: requests.DeleteMessage(message_id=target.message),
    "ListMessages": _about(requests.ListMessages),
    "Search": _about(requests.Search, text="x"),
    "MarkRead": _about(requests.MarkRead, seq=1),
    "MarkUnread": _about(requests.MarkUnread),
    "Typing": _about(requests.Typing),
    "RequestContact": _person(people.RequestContact),
    "AcceptContact": _person(people.AcceptContact),
    "DeclineContact": _person(people.DeclineContact),
    "RemoveContact": _person(people.RemoveContact),
    "changeContact": _person(people.ChangeContact),
    "ListContacts": _alone(people.ListContacts),
    "BlockUser": _person(people.BlockUser),
    "getBlock": _person(people.GetBlock),
    "UnblockUser": _person(people.UnblockUser),
    "ListBlocks": _alone(people.ListBlocks),
    "ReportMessage": lambda target: reports.ReportMessage(
        message_id=target.message,
        client_request_id=f"r-{target.message}",
        teacher_id="ada",
    ),
    "ReportConversation": lambda target: reports.ReportConversation(
        conversation_id=target.conversation,
        client_request_id=f"w-{target.conversation}",
        teacher_id="ada",
    ),
    "WithdrawReport": lambda target: reports.WithdrawReport(report_id=target.report),
    "ListReports": _alone(reports.ListReports, box="queue"),
    "OpenReport": lambda target: reports.OpenReport(report_id=target.report),
    "ResolveReport": lambda target: reports.ResolveReport(
        report_id=target.report, decision="noAction"
    ),
    "PreviewAudience": _alone(mass.PreviewAudience),
    "SendMassMessage": _alone(
        mass.SendMassMessage,
        message=requests.FirstMessage(text="x"),
        client_request_id="mass",
    ),
    "CancelMassMessage": lambda target: mass.CancelMassMessage(
        mass_message_id=target.conversation
    ),
    "ListMassMessages": _alone(mass.ListMassMessages),
    "Sync": lambda target: requests.Sync(cursors={target.conversation: 0}),
    "checkPolicy": _about(CheckPolicy, action="send"),
    "getAttachment": lambda target: target.file,
    "readConversations": lambda target: ReadConversations(user_id=target.person),
    "readMessages": lambda target: ReadMessages(
        user_id=target.person, conversation_id=target.conversation
    ),
}


async def _conversation(
    school: House, id_: str, author: str, *others: str, tenant: str = "school"
) -> Target:
    await school.conversation(id_, author, *others, created_by=author, tenant=tenant)
    said = InsertMessage(
        id=f"m-{id_}",
        conversation_id=id_,
        author_id=author,
        kind="text",
        text="x",
        client_message_id=f"k-{id_}",
        digest=b"d",
        attached=(Attach(f"f-{id_}"),),
    )
    file = AttachmentRecord(f"f-{id_}", author, f"b-{id_}", "a.txt", "text/plain", 1, 0)
    await school.write(
        DoomBlob(file.blob, 1), PutAttachment(file, 1_000), said, tenant=tenant
    )
    # Of what the first one said, by the second one, to the first of the others.
    teacher = others[1] if len(others) > 1 else author
    filed = FileReport(
        f"r-{id_}",
        f"c-{id_}",
        others[0],
        id_,
        said.id,
        None,
        teacher,
        "other",
        None,
        "[]",
    )
    await school.write(filed, tenant=tenant)
    return Target(id_, said.id, "tom", file.id, filed.id)


async def targets(school: House) -> dict[tuple[str, str], Target]:
    """Everything that there is to reach for, of each role and place."""
    await school.write(PutTenant("Other", "itslearning"), tenant="other")
    await school.people("ada", role="admin")
    for id_ in ("far", "away"):
        await school.write(PutPerson(id_, id_, ("teacher",)), tenant="other")
    others = await _conversation(school, "others", "ben", "uma")
    far = await _conversation(school, "elsewhere", "far", "away", tenant="other")
    found: dict[tuple[str, str], Target] = {}
    for person in ROLES.values():
        removed = await _conversation(school, f"{person}-removed", person, "tom", "ben")
        await school.write(Part(removed.conversation, (person,), "ben"))
        deleted = await _conversation(school, f"{person}-deleted", person, "tom")
        gone = SetState(deleted.conversation, "conversation.deleted", None)
        await school.write(gone)
        reached = (
            await _conversation(school, f"{person}-own", person, "tom"),
            await _conversation(school, f"{person}-shared", "tom", person),
            others,
            Target(far.conversation, far.message, "far", far.file),
            removed,
            deleted,
            Target("nothing", "nothing", "nobody"),
        )
        found |= {
            (person, place): one for place, one in zip(PLACES, reached, strict=True)
        }
    return found


async def outcome(school: House, name: str, person: str, target: Target) -> str:
    """`ok`, `nothing` for an empty answer, or the code of the refusal."""
    try:
        answer = await ACTIONS[name](school.context, who(person), SAMPLES[name](target))
    except Refused as refusal:
        return refusal.code
    if isinstance(answer, Synced) and not answer.conversations:
        return "nothing"
    if isinstance(answer, PolicyVerdict):
        return answer.code or "ok"
    return "ok"


def table(rows: Mapping[tuple[str, str], Mapping[str, str]]) -> Iterator[str]:
    """Lines of text: one row for each deed and role."""
    heads = ("deed", "role", *PLACES)
    cells = [heads, *((*key, *(row[p] for p in PLACES)) for key, row in rows.items())]
    widths = [max(len(row[n]) for row in cells) for n in range(len(heads))]
    for row in cells:
        line = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(line).rstrip()
