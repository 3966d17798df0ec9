"""If these fail, a message is sent without its text, or one for all under one id."""

import pytest

from chatd.actions.starting.wanting import (
    also_to,
    first_message,
    said_in,
    wanted_of,
)
from chatd.errors import Refused
from chatd.store.messages import InsertMessage
from chatd_protocol.chat.requests import FirstMessage, Recipient, StartConversation
from tests.actions.deeds import who
from tests.support.house import TENANT, House

TOM = (Recipient(kind="user", id="tom"),)


async def test_copies_of_one_message_have_ids_of_their_own(school: House) -> None:
    """Only the first of many would be written: the others were "done before"."""
    request = StartConversation(
        recipients=TOM,
        client_request_id="r",
        message=FirstMessage(text=" see https://x.example "),
    )
    wanted = wanted_of(school.context, who("sue"), request)
    first = await first_message(school.context, who("sue"), wanted)
    assert first is not None
    assert first.links_json is not None
    copies = await school.context.store.read(also_to, TENANT, first, ["tom", "uma"])
    (said,) = said_in(copies["tom"], "c")
    assert isinstance(said, InsertMessage)
    assert (said.conversation_id, said.text) == ("c", first.text)
    everything = (first, *copies.values())
    assert len({one.client_message_id for one in everything}) == 3
    assert len({one.id for one in everything}) == 3
    assert said_in(None, "c") == ()


def test_individual_messages_need_one(school: House) -> None:
    """Three hundred empty talks would begin."""
    request = StartConversation(
        recipients=TOM, client_request_id="r", mode="individual"
    )
    with pytest.raises(Refused) as caught:
        wanted_of(school.context, who("sue"), request)
    assert caught.value.facts["errors"] == [{"pointer": "/message", "code": "required"}]
