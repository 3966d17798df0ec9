"""Chat clients on a scripted chat, and what they hear."""

import asyncio

from chatd_client import ChatClient, ChatOptions
from chatd_client.feed import Reader
from chatd_client.lifeline import Token
from chatd_protocol.chat.events import MessageCreated
from tests.clients.scripted_chat import Chat


def make(
    chat: Chat,
    token: Token = "token",
    protocol: str = "json",
    *,
    service: bool = False,
) -> ChatClient:
    url = chat.server.url.removesuffix("/hub")
    options = ChatOptions(protocol=protocol, service=service, draw=lambda: 0.01)
    return ChatClient(url, token, options=options)


async def texts(reader: Reader, count: int) -> list[str]:
    """The texts of the next messages, whatever else happens."""
    found: list[str] = []
    async with asyncio.timeout(60):
        while len(found) < count:
            update = await anext(reader)
            if isinstance(update, MessageCreated):
                found.append(update.message.text or "")
    return found
