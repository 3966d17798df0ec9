"""Connections of signalrcore, driven by JSON lines. It lives on threads."""

import asyncio
import os
import threading
from concurrent.futures import Future
from itertools import count

from lines import obey, say
from signalrcore.hub_connection_builder import HubConnectionBuilder
from signalrcore.types import HttpTransportType, HubProtocolEncoding

ENCODINGS = {
    "json": HubProtocolEncoding.text,
    "messagepack": HubProtocolEncoding.binary,
}

connections = {}
waiting: dict[str, Future] = {}
numbers = count(1)


async def connect(
    name: str, url: str, token: str, transport: str, protocol: str, targets: list[str]
) -> None:
    connection = (
        HubConnectionBuilder()
        .with_url(
            url,
            options={
                "access_token_factory": lambda: token,
                "transport": HttpTransportType(transport),
            },
        )
        .with_hub_protocol(ENCODINGS[protocol])
        .build()
    )
    opened = threading.Event()
    connection.on_open(opened.set)
    connection.on_error(lambda completion: finish(completion, completion.error))
    for target in targets:
        connection.on(target, telling(name, target))
    connections[name] = connection
    await asyncio.to_thread(connection.start)
    if not await asyncio.to_thread(opened.wait, 20):
        raise RuntimeError("did not open")


def telling(name, target):
    return lambda arguments: say({"event": target, "name": name, "body": arguments[0]})


def finish(completion, error) -> None:
    answer = waiting.pop(completion.invocation_id, None)
    if answer is None:
        return
    if error:
        answer.set_exception(RuntimeError(error))
    else:
        answer.set_result(completion.result)


async def call(name: str, method: str, argument: object) -> object:
    number = f"{name}-{next(numbers)}"
    waiting[number] = Future()
    answer = asyncio.wrap_future(waiting[number])
    connections[name].invoke(
        method, [argument], lambda completion: finish(completion, None), number
    )
    return await answer


async def disconnect(name: str) -> None:
    await asyncio.to_thread(connections.pop(name).stop)


async def main() -> None:
    await obey({"connect": connect, "call": call, "disconnect": disconnect})
    # Its stop() waits for a whole keep-alive interval, and its long polling thread goes
    # on asking afterwards.
    os._exit(0)


asyncio.run(main())
