"""A terminal program for a first look: `python -m chatd_client listen` and `… send`.

    python -m chatd_client listen --url http://127.0.0.1:8080 --token TOKEN
    python -m chatd_client send   --url http://127.0.0.1:8080 --token TOKEN \\
        --to ben --text "Hello Ben"

The token may also come from the environment variable CHATD_TOKEN.
"""

import argparse
import asyncio
import os
import secrets
import sys
from collections.abc import Sequence

from chatd_client import ChatClient, ChatOptions, ClientError, Replica, Update
from chatd_protocol.chat.events import LogEvent, event_type
from chatd_protocol.chat.objects import Message
from chatd_protocol.chat.requests import FirstMessage, Recipient, StartConversation
from chatd_protocol.chat.results import ConversationStarted
from chatd_protocol.signalr import CODECS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; its exit code."""
    words = parser()
    options = words.parse_args(arguments)
    if not options.token:
        words.error("a token is needed: --token, or CHATD_TOKEN")
    work = listen if options.command == "listen" else send
    try:
        asyncio.run(work(options))
    except KeyboardInterrupt:
        return 0
    except ClientError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


async def listen(options: argparse.Namespace) -> None:
    """Print what happens until interrupted."""
    async with _client(options) as client:
        updates = client.events()
        replica = client.replica
        rooms = len(replica.rooms)
        print(f"connected as {replica.user_id}, {rooms} conversations", flush=True)
        async for update in updates:
            line = described(update, replica, options.conversation)
            if line:
                print(line, flush=True)


async def send(options: argparse.Namespace) -> None:
    """Send one message, to a conversation or to people, and print where it is."""
    async with _client(options) as client:
        conversation_id = options.conversation
        if conversation_id is None:
            request = StartConversation(
                recipients=tuple(Recipient(kind="user", id=to) for to in options.to),
                client_request_id=secrets.token_urlsafe(16),
                message=FirstMessage(text=options.text),
            )
            started = await client.call(request, ConversationStarted)
            for row in started.refused:
                print(f"{row.user_id}: {row.code}", file=sys.stderr)
            if started.conversation is None:
                return
            conversation_id = started.conversation.id
            last = started.conversation.last_message
        else:
            last = await client.send(conversation_id, options.text)
        print(sent_line(conversation_id, last))


def sent_line(conversation_id: str, last: Message | None) -> str:
    """What became of a message, in one line."""
    if last is None:
        return f"sent to {conversation_id}"
    if last.held is not None:
        return f"sent to {conversation_id}, where it waits for a moderator"
    return f"sent to {conversation_id} as message {last.seq}"


def described(update: Update, replica: Replica, only: str | None) -> str | None:
    """One line about an update; None for what a reader does not care about.

    `only` is the one conversation to tell about, None for all.
    """
    if not isinstance(update, LogEvent):
        return None
    if only not in (None, update.conversation_id):
        return None
    room = replica.rooms.get(update.conversation_id)
    title = room.facts.title if room is not None and room.facts.title else "(untitled)"
    place = f"{update.at[11:19]} {title} #{update.seq}"
    message = getattr(update, "message", None)
    if isinstance(message, Message):
        return f"{place} {_message_line(event_type(update), message)}"
    actor = f" by {update.actor.name}" if update.actor is not None else ""
    return f"{place} {event_type(update)}{actor}"


def _message_line(kind: str, message: Message) -> str:
    if message.removed is not None:
        return f"{message.author.name}: (removed)"
    mark = " (edited)" if kind == "message.edited" else ""
    # Nobody's message may move the cursor or color somebody else's terminal.
    text = "".join(
        char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}"
        for char in message.text or ""
    )
    return f"{message.author.name}: {text}{mark}"


def _client(options: argparse.Namespace) -> ChatClient:
    return ChatClient(
        options.url, options.token, options=ChatOptions(protocol=options.protocol)
    )


def parser() -> argparse.ArgumentParser:
    """What may be typed."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--url", default="http://127.0.0.1:8080", help="the server's")
    common.add_argument(
        "--token", default=os.environ.get("CHATD_TOKEN"), help="who you are"
    )
    common.add_argument("--protocol", choices=sorted(CODECS), default="json")
    words = argparse.ArgumentParser(prog="chatd_client", description="Talk to chatd.")
    commands = words.add_subparsers(dest="command", required=True)
    listening = commands.add_parser(
        "listen", parents=[common], help="print what happens"
    )
    listening.add_argument("--conversation", help="tell about this one only")
    sending = commands.add_parser("send", parents=[common], help="send a message")
    where = sending.add_mutually_exclusive_group(required=True)
    where.add_argument("--conversation", help="send to this conversation")
    where.add_argument("--to", action="append", help="a person's id; may be repeated")
    sending.add_argument("--text", required=True)
    return words


if __name__ == "__main__":
    sys.exit(main())
