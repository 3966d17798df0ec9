"""Deeds of the people of the school, as tests write them: who, what, with whom."""

import asyncio
from collections.abc import Coroutine
from itertools import count
from typing import Any, TypeVar

import pytest

from chatd.actions import messages
from chatd.actions.starting import start as starting
from chatd.domain.people import Caller
from chatd.errors import Refused
from chatd_protocol.chat.objects import Conversation, Message
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


async def refused(code: str, deed: Coroutine[Any, Any, object]) -> Refused:
    """The deed must be refused with exactly this code."""
    with pytest.raises(Refused) as caught:
        await deed
    assert caught.value.code == code
    return caught.value


async def together(*deeds: Coroutine[Any, Any, T]) -> list[T | BaseException]:
    return await asyncio.gather(*deeds, return_exceptions=True)
