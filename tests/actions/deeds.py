"""Deeds of the people of the school, as tests write them: who, what, with whom."""

import asyncio
from collections.abc import Coroutine
from itertools import count
from typing import Any, TypeVar

import pytest

from chatd.actions import messages
from chatd.actions.reporting import filing, reviewing
from chatd.actions.starting import start as starting
from chatd.domain.people import Caller
from chatd.errors import Refused
from chatd_protocol.chat.objects import Conversation, Message
from chatd_protocol.chat.reporting.reports import (
    OpenedReport,
    OpenReport,
    Report,
    ReportConversation,
    ReportMessage,
)
from chatd_protocol.chat.requests import Recipient, SendMessage, StartConversation
from tests.support.house import TENANT, House

T = TypeVar("T")
_ids = count(1)


def fresh() -> str:
    return f"id-{next(_ids)}"


def who(user_id: str, tenant: str = TENANT, *scopes: str) -> Caller:
    return Caller(tenant, user_id, frozenset(scopes))


async def start(school: House, starter: str, *others: str, **more: Any) -> Conversation:
    """A direct conversation with one, a group with several, a course with `course=`."""
    recipients = [Recipient(kind="user", id=id_) for id_ in others]
    if course := more.pop("course", None):
        recipients.append(Recipient(kind="course", id=course))
    request = StartConversation(
        recipients=tuple(recipients), client_request_id=fresh(), **more
    )
    started = await starting.start(school.context, who(starter), request)
    assert started.conversation is not None
    return started.conversation


async def send(
    school: House, author: str, conversation: str, text: str = "hello", **more: Any
) -> Message:
    more.setdefault("client_message_id", fresh())
    request = SendMessage(conversation_id=conversation, text=text, **more)
    return await messages.send(school.context, who(author), request)


async def report(
    school: House,
    reporter: str,
    message: str,
    teacher: str | None = "anna",
    **more: Any,
) -> Report:
    """Somebody reports a message, to a teacher who is chosen or to the queue."""
    request = ReportMessage(
        message_id=message, client_request_id=fresh(), teacher_id=teacher, **more
    )
    return await filing.of_message(school.context, who(reporter), request)


async def report_whole(
    school: House, reporter: str, conversation: str, teacher: str | None = "anna"
) -> Report:
    request = ReportConversation(
        conversation_id=conversation, client_request_id=fresh(), teacher_id=teacher
    )
    return await filing.of_conversation(school.context, who(reporter), request)


async def look(
    school: House, reviewer: Caller | str, report_id: str, *, enter: bool | None = None
) -> OpenedReport:
    """Somebody looks into a report."""
    caller = who(reviewer) if isinstance(reviewer, str) else reviewer
    request = OpenReport(report_id=report_id, enter=enter)
    return await reviewing.open_(school.context, caller, request)


async def refused(code: str, deed: Coroutine[Any, Any, object]) -> Refused:
    """The deed must be refused with exactly this code."""
    with pytest.raises(Refused) as caught:
        await deed
    assert caught.value.code == code
    return caught.value


async def together(*deeds: Coroutine[Any, Any, T]) -> list[T | BaseException]:
    return await asyncio.gather(*deeds, return_exceptions=True)
