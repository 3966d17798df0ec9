"""Chat clients on a scripted chat, and what they hear."""

import asyncio

from chatd_client import ChatClient, Options
from chatd_client.feed import Reader
from chatd_protocol.chat.events import MessageCreated
from tests.clients.scripted_chat import Chat


def make(
    chat: Chat,
    token: object = "token",
    protocol: str = "json",
    *,
    service: bool = False,
) -> ChatClient:
    url = chat.server.url.removesuffix("/hub")
    options = Options(protocol=protocol)
    made = ChatClient(url, token, options=options, service=service)  # type: ignore[arg-type]
    made._lifeline.backoff._draw = lambda: (
        0.01
    )  # the waits are tested where they are made
    return made


async def texts(reader: Reader, count: int) -> list[str]:
    """The texts of the next messages, whatever else happens."""
    found: list[str] = []
    async with asyncio.timeout(10):
        while len(found) < count:
            update = await anext(reader)
            if isinstance(update, MessageCreated):
                found.append(update.message.text or "")
    return found
