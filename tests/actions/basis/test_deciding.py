"""If these fail, a deed rests on facts that are no longer true, or runs for ever."""

import pytest

from chatd.actions.basis.deciding import TRIES, carry_out, digest
from chatd.errors import Refused
from chatd.store.change import Change, Guard
from chatd.store.conversations import Rename
from chatd_protocol.chat.requests import SendMessage
from tests.support.house import TENANT, House


async def test_a_deed_is_decided_again_when_a_fact_moved(school: House) -> None:
    """Something would be written that is no longer allowed."""
    await school.conversation("c", "sue", "tom")
    versions = iter((7, 7, 1))
    tried = []

    async def decide() -> Change:
        tried.append(next(versions))
        guard = Guard("conversation", "c", tried[-1])
        return Change(TENANT, 1, (Rename("c", "New", "sue"),), (guard,))

    done = await carry_out(school.context, decide)
    assert tried == [7, 7, 1]
    assert done is not None
    assert done.seqs == (2,)


async def test_a_deed_whose_facts_never_rest_gives_up(school: House) -> None:
    """One call could keep the server busy for ever."""
    tries = []

    async def decide() -> Change:
        tries.append(1)
        return Change(TENANT, 1, (), (Guard("person", "sue", 99),))

    with pytest.raises(Refused, match="overloaded"):
        await carry_out(school.context, decide)
    assert len(tries) == TRIES


def test_requests_that_differ_have_other_digests() -> None:
    """A changed message under an old id would be taken for a retry."""
    one = SendMessage(conversation_id="c", client_message_id="m", text="a")
    other = SendMessage(conversation_id="c", client_message_id="m", text="b")
    assert digest(one) != digest(other)
    assert digest(one) == digest(
        SendMessage(text="a", client_message_id="m", conversation_id="c")
    )
