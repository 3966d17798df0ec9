"""If these fail, a reader misses messages, or sees some of them twice."""

import pytest

from chatd.actions import paging
from chatd_protocol.chat.objects import Conversation
from chatd_protocol.chat.requests import ListMessages
from tests.actions.deeds import refused, send, start, who
from tests.support.house import House


@pytest.fixture
async def group(school: House) -> Conversation:
    return await start(school, "anna", "sue", "tom", title="Team")


async def test_pages_of_history(school: House, group: Conversation) -> None:
    """A reader would miss messages, see some twice, or open at the wrong place."""
    for number in range(20):
        await send(school, "sue", group.id, f"m{number}")

    async def page(
        reader: str = "tom", **places: object
    ) -> tuple[list[str], bool, bool]:
        request = ListMessages(conversation_id=group.id, limit=5, **places)  # type: ignore[arg-type]
        found = await paging.page(school.context, who(reader), request)
        assert found.as_of_seq == 21
        texts = [message.text or "" for message in found.messages]
        return texts, found.has_before, found.has_after

    assert await page() == (["m15", "m16", "m17", "m18", "m19"], True, False)
    assert await page(before=4) == (["m0", "m1"], False, True)
    assert await page(after=20) == (["m19"], True, False)
    assert await page(around=10) == (["m6", "m7", "m8", "m9", "m10"], True, True)
    assert (await page(around_unread=True))[0] == ["m0", "m1", "m2", "m3", "m4"]
    assert (await page("sue", around_unread=True))[0][-1] == "m19"
    both = ListMessages(conversation_id=group.id, before=3, after=2)
    await refused("invalid_request", paging.page(school.context, who("tom"), both))
