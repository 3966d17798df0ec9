"""If these fail, a sender does not learn what became of a message."""

from chatd.actions import messages
from chatd.actions.saying import answers
from chatd.store.messages import InsertMessage
from chatd_protocol.chat.requests import DeleteMessage
from tests.actions.deeds import fresh, refused, send, start, who
from tests.actions.saying.rules import PHONE, rule
from tests.support.house import House


def wanted(key: str, digest: bytes = b"") -> InsertMessage:
    return InsertMessage("new", "c", "sue", PHONE, key, digest)


async def test_a_message_that_waits_says_so(school: House) -> None:
    """Its author would believe that it was said, and wait for an answer."""
    talk = await start(school, "sue", "tom")
    await rule(school, "hold")
    answer = await send(school, "sue", talk.id, PHONE)
    assert (answer.held, answer.seq, answer.text) == ("waiting", 0, PHONE)


async def test_a_send_is_found_again_whatever_became_of_it(school: House) -> None:
    """After a lost right a retry would be refused for what was said before."""
    talk = await start(school, "sue", "tom")
    said = await send(school, "sue", talk.id, "hello", client_message_id="said")
    await rule(school, "hold")
    waits = await send(school, "sue", talk.id, PHONE, client_message_id="waits")
    read, caller = school.context, who("sue")
    assert await answers.earlier(read, caller, wanted("never")) is None
    # Another message under the same id is not the same send.
    assert await answers.earlier(read, caller, wanted("said", b"other")) is None
    assert await answers.earlier(read, caller, wanted("waits", b"other")) is None
    done = await answers.done_before(
        read, caller, wanted("said"), {"messageId": said.id}
    )
    assert (done.id, done.seq) == (said.id, said.seq)
    done = await answers.done_before(
        read, caller, wanted("waits"), {"heldId": waits.id}
    )
    assert (done.id, done.held) == (waits.id, "waiting")


async def test_taken_back_it_is_not_found(school: House) -> None:
    """A retry that crossed with taking it back would be answered with nothing."""
    talk = await start(school, "sue", "tom")
    await rule(school, "hold")
    waits = await send(school, "sue", talk.id, PHONE, client_message_id=fresh())
    await messages.delete(
        school.context, who("sue"), DeleteMessage(message_id=waits.id)
    )
    gone = answers.done_before(
        school.context, who("sue"), wanted("x"), {"heldId": waits.id}
    )
    await refused("not_found", gone)
    await refused("not_found", answers.waiting(school.context, who("sue"), wanted("x")))
