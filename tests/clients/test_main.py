"""The terminal program: what a newcomer types first, and what comes back."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from chatd_client import Replica, Reset
from chatd_client.__main__ import described, listen, main, sent_line
from chatd_client.__main__ import parser as make_parser
from chatd_protocol.chat.events import LogEvent, MessageCreated
from chatd_protocol.signalr import CODECS
from tests.clients.histories import (
    conversation,
    edited,
    joined,
    me,
    message,
    removed,
    said,
)
from tests.clients.scripted_chat import Chat, scripted_chat
from tests.support.waiting import wait_until


@pytest.fixture
async def chat() -> AsyncIterator[Chat]:
    async with scripted_chat() as running:
        yield running


def line(event: LogEvent, only: str | None = None) -> str | None:
    replica = Replica()
    replica.baseline(me(), [conversation()])
    return described(event, replica, only)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (said(1), "00:00:01 Physics #1 Anna: hi"),
        (edited(2, message(1)), "00:00:02 Physics #2 Anna: edited (edited)"),
        (removed(3, message(1)), "00:00:03 Physics #3 Anna: (removed)"),
        (joined(4, "ben", 4), "00:00:04 Physics #4 participants.added"),
        (said(5, text="\x1b[31mred\x07"), "00:00:05 Physics #5 Anna: �[31mred�"),
        (said(6, name="unknown"), "00:00:06 (untitled) #6 Anna: hi"),
    ],
)
def test_a_line(event: LogEvent, expected: str) -> None:
    """Nobody could read what happens, or a message could rule the terminal."""
    assert line(event) == expected


def test_what_is_not_told() -> None:
    """The screen would fill with what nobody asked for."""
    assert line(said(1), only="another") is None
    assert line(said(1), only="c1")
    assert described(Reset(), Replica(), None) is None


def test_what_became_of_a_message() -> None:
    """Somebody would wait for an answer to what nobody has got."""
    said_ = message(3)
    assert sent_line("c1", said_) == "sent to c1 as message 3"
    waits = msgspec.structs.replace(said_, seq=0, held="waiting")
    assert sent_line("c1", waits) == "sent to c1, where it waits for a moderator"
    assert sent_line("c1", None) == "sent to c1"


def arguments(chat: Chat, command: str, *more: str) -> list[str]:
    url = chat.server.url.removesuffix("/hub")
    return [command, "--url", url, "--token", "t", *more]


@pytest.mark.parametrize("protocol", CODECS)
async def test_send(
    chat: Chat, protocol: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first message of a newcomer would not arrive."""
    words = ["--conversation", "c1", "--text", "hello", "--protocol", protocol]
    code = await asyncio.to_thread(main, arguments(chat, "send", *words))
    assert code == 0
    assert capsys.readouterr().out == "sent to c1 as message 1\n"
    (event,) = chat.log
    assert isinstance(event, MessageCreated)
    assert event.message.text == "hello"


async def test_the_hubs_own_url(chat: Chat, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever gives the URL that other SignalR clients want would wait for ever."""
    words = ["--token", "t", "--conversation", "c1", "--text", "hello"]
    call = ["send", "--url", chat.server.url, *words]
    assert await asyncio.to_thread(main, call) == 0
    assert capsys.readouterr().out == "sent to c1 as message 1\n"


async def test_waiting_is_told(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """With a wrong URL a newcomer would look at an empty screen for ever."""
    words = ["listen", "--url", "http://127.0.0.1:1", "--token", "t"]
    listening = asyncio.create_task(listen(make_parser().parse_args(words)))
    await wait_until(lambda: "no connection: Negotiate failed" in caplog.text)
    listening.cancel()


async def test_a_refusal_is_one_line(
    chat: Chat, capsys: pytest.CaptureFixture[str]
) -> None:
    """A newcomer would be met by a traceback."""

    words = ["--conversation", "c1", "--text", "hello"]
    chat.refuse_sends = ("conversation_closed", {})
    code = await asyncio.to_thread(main, arguments(chat, "send", *words))
    captured = capsys.readouterr()
    assert code == 1
    assert captured.err.startswith("conversation_closed: ")
    assert captured.err.count("\n") == 1


async def test_listen(chat: Chat, capsys: pytest.CaptureFixture[str]) -> None:
    """A newcomer would not see a live message."""
    listening = asyncio.create_task(
        listen(make_parser().parse_args(arguments(chat, "listen")))
    )
    printed = ""

    def seen(text: str) -> bool:
        nonlocal printed
        printed += capsys.readouterr().out
        return text in printed

    await wait_until(lambda: seen("connected as me, 1 conversations"))
    await chat.say("hello")
    await wait_until(lambda: seen("Anna: hello"))
    listening.cancel()


@pytest.mark.parametrize(
    "words",
    [
        ["listen"],
        ["send", "--token", "t", "--text", "x"],
        ["send", "--token", "t", "--to", "ben"],
        ["dance"],
    ],
)
def test_wrong_words(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A typing mistake would do something, or fail without a hint."""
    monkeypatch.delenv("CHATD_TOKEN", raising=False)
    with pytest.raises(SystemExit) as raised:
        main(words)
    assert raised.value.code == 2
