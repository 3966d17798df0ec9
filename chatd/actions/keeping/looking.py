"""Staff read what others wrote to each other, where the policy lets them.

They see the area of one person as that person does (MOO-81): the same conversations,
the same positions, nothing marked as read. Each look is noted before it is shown.
"""

import msgspec

from chatd.actions import conversations, paging
from chatd.actions.basis.context import Context
from chatd.actions.basis.deciding import require
from chatd.actions.basis.facts import policy_of
from chatd.actions.basis.noting import note_look
from chatd.domain.keeping.reading import may_read
from chatd.domain.people import Caller
from chatd.errors import Refused
from chatd.store import people
from chatd_protocol.chat import requests
from chatd_protocol.chat.http.keeping import ReadConversations, ReadMessages
from chatd_protocol.chat.results import ConversationPage, MessagePage


async def read_conversations(
    context: Context, caller: Caller, request: ReadConversations
) -> ConversationPage:
    """Another person's conversations, but for what that person has not sent yet.

    Raises:
        Refused: `forbidden`; `not_found` for nobody.
    """
    person = await _let_in(context, caller, request.user_id)
    await note_look(context, caller, "conversations.listed", "person", person.user_id)
    asked = requests.ListConversations(
        filter=request.filter, cursor=request.cursor, limit=request.limit
    )
    page = await conversations.page(context, person, asked)
    shown = (
        msgspec.structs.replace(one, draft=None, denied={})
        for one in page.conversations
    )
    return msgspec.structs.replace(page, conversations=tuple(shown))


async def read_messages(
    context: Context, caller: Caller, request: ReadMessages
) -> MessagePage:
    """What another person may read of a conversation.

    Raises:
        Refused: `forbidden`; `not_found` for what that person does not see either.
    """
    person = await _let_in(context, caller, request.user_id)
    await note_look(
        context,
        caller,
        "conversation.read",
        "conversation",
        request.conversation_id,
        userId=person.user_id,
    )
    asked = requests.ListMessages(
        conversation_id=request.conversation_id,
        before=request.before,
        after=request.after,
        limit=request.limit,
    )
    page = await paging.page(context, person, asked)
    # Whoever reports something is told to nobody by this door (ITS-89).
    return msgspec.structs.replace(page, reported=None)


async def _let_in(context: Context, caller: Caller, user_id: str) -> Caller:
    """The person whose area the caller may see."""
    policy = await context.store.read(policy_of, caller.tenant)
    known = await context.store.read(people.many, caller.tenant, [caller.user_id])
    if caller.user_id not in known:
        raise Refused("forbidden")
    require(may_read(policy, known[caller.user_id]))
    if await context.store.read(people.get, caller.tenant, user_id) is None:
        raise Refused("not_found")
    return Caller(caller.tenant, user_id)
