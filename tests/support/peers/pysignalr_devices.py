"""Connections of pysignalr, driven by JSON lines."""

import asyncio
from contextlib import suppress

from lines import obey, say
from pysignalr.client import SignalRClient
from pysignalr.messages import CompletionMessage
from pysignalr.protocol.json import JSONProtocol
from pysignalr.protocol.messagepack import MessagepackProtocol

PROTOCOLS = {"json": JSONProtocol, "messagepack": MessagepackProtocol}

clients: dict[str, SignalRClient] = {}
running: dict[str, asyncio.Task[None]] = {}


async def connect(
    name: str, url: str, token: str, transport: str, protocol: str, targets: list[str]
) -> None:
    # Its access_token_factory is asked only after the first socket is open.
    client = SignalRClient(
        url,
        protocol=PROTOCOLS[protocol](),
        headers={"Authorization": f"Bearer {token}"},
    )
    opened = asyncio.Event()

    async def on_open() -> None:
        opened.set()

    async def on_error(_: CompletionMessage) -> None:
        """Errors reach the caller through the completion; this must only exist."""

    client.on_open(on_open)
    client.on_error(on_error)
    for target in targets:
        client.on(target, telling(name, target))
    clients[name] = client
    running[name] = asyncio.create_task(client.run())
    await opened.wait()


def telling(name, target):
    async def tell(arguments: list[object]) -> None:
        say({"event": target, "name": name, "body": arguments[0]})

    return tell


async def call(name: str, method: str, argument: object) -> object:
    answer: asyncio.Future[CompletionMessage] = asyncio.Future()

    async def done(completion: CompletionMessage) -> None:
        answer.set_result(completion)

    await clients[name].send(method, [argument], done)
    completion = await answer
    if completion.error:
        raise RuntimeError(completion.error)
    return completion.result


async def disconnect(name: str) -> None:
    running[name].cancel()
    with suppress(asyncio.CancelledError):
        await running.pop(name)


async def main() -> None:
    await obey({"connect": connect, "call": call, "disconnect": disconnect})
    for name in list(running):
        await disconnect(name)


asyncio.run(main())
