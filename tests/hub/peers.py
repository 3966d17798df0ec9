"""The whole server in this process, and people who talk to it over raw WebSockets.

No client library stands in between: what a peer sees is what is on the wire.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jwt
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from chatd.app import Foundation, Installation, _Server, install
from chatd.config import Config
from chatd.store.change import Change, Write
from chatd.store.conversations import CreateConversation
from chatd.store.members import NewMember
from chatd.store.people import PutPerson
from chatd.store.tenants import PutTenant
from tests.support.tokens import SECRET
from tests.support.waiting import wait_until

TENANT = "school"
PEOPLE = ("anna", "ben", "carl")
ANSWER_S = 60.0


class CallError(Exception):
    """A call that was answered with an error, whose text this is."""

    @property
    def code(self) -> str:
        return str(self).partition(":")[0]

    @property
    def facts(self) -> dict:
        tail = str(self).partition("\n")[2]
        return json.loads(tail) if tail else {}


class Peer:
    """One connection: what it was told, and how it ended."""

    def __init__(self, socket: ClientConnection) -> None:
        self.told: list[tuple[str, dict]] = []
        self.items: list[dict] = []
        self.closing: dict | None = None
        self.ended = asyncio.Event()
        self._socket = socket
        self._ids = map(str, count(1))
        self._answers: dict[str, asyncio.Future[dict]] = {}
        self._reader = asyncio.get_running_loop().create_task(self._read())

    def events(self, *kinds: str) -> list[dict]:
        """What it was told of these types, or of all."""
        return [event for _, event in self.told if not kinds or event["type"] in kinds]

    async def start(self, kind: int, method: str, *arguments: object) -> str:
        number = next(self._ids)
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self.send(
            type=kind, target=method, invocationId=number, arguments=arguments
        )
        return number

    def is_answered(self, number: str) -> bool:
        return self._answers[number].done()

    async def answer(self, number: str) -> dict:
        async with asyncio.timeout(ANSWER_S):
            completion = await self._answers[number]
        if "error" in completion:
            raise CallError(completion["error"])
        result: dict = completion.get("result", {})
        return result

    async def call(self, method: str, **argument: object) -> dict:
        return await self.answer(await self.start(1, method, argument))

    async def refusal(self, method: str, *arguments: object) -> CallError:
        """The error that a call is answered with."""
        try:
            await self.answer(await self.start(1, method, *arguments))
        except CallError as error:
            return error
        raise AssertionError(f"{method} was not refused")

    async def event(self, kind: str, number: int = 1) -> dict:
        """The event of this type, once there is one (or the n-th one)."""
        await wait_until(lambda: len(self.events(kind)) >= number, ANSWER_S, kind)
        return self.events(kind)[number - 1]

    async def end(self) -> dict:
        """The Close message, once the connection is over."""
        async with asyncio.timeout(ANSWER_S):
            await self.ended.wait()
        return self.closing or {}

    async def send(self, **message: object) -> None:
        # Where it has ended, `ended` and `closing` say so.
        with suppress(ConnectionClosed):
            await self._socket.send(json.dumps(message) + "\x1e")

    async def leave(self) -> None:
        await self._socket.close()
        await self._reader

    async def _read(self) -> None:
        try:
            async for frame in self._socket:
                assert isinstance(frame, str)
                for record in frame.split("\x1e")[:-1]:
                    self._take(json.loads(record))
        except ConnectionClosed:
            pass
        finally:
            self.ended.set()

    def _take(self, message: dict) -> None:
        match message.get("type"):
            case 1:
                self.told.append((message["target"], message["arguments"][0]))
            case 2:
                self.items.append(message["item"])
            case 3:
                self._answers[message["invocationId"]].set_result(message)
            case 7:
                self.closing = message


class House:
    """A running server with one tenant and a few people."""

    def __init__(
        self, installation: Installation, port: int, running: AsyncExitStack
    ) -> None:
        self.installation = installation
        self.url = f"http://127.0.0.1:{port}"
        self._running = running

    def token(self, user: str, **claims: object) -> str:
        now_s = time.time()
        said = {"sub": user, "tenant": TENANT, "iat": now_s, "exp": now_s + 3600}
        return jwt.encode(said | claims, SECRET, algorithm="HS256")

    async def write(self, *writes: Write, tenant: str = TENANT) -> None:
        now_ms = self.installation.clock.now_ms()
        await self.installation.store.commit(Change(tenant, now_ms, writes))

    async def group(self, id_: str, *members: str) -> None:
        """A conversation of these people; its log begins with seq 1."""
        await self.write(
            CreateConversation(
                id=id_,
                kind="group",
                title=id_.title(),
                created_by=members[0],
                members=tuple(NewMember(one) for one in members),
            )
        )

    async def join(
        self,
        user: str,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **claims: object,
    ) -> Peer:
        """Somebody connects; returns when events are coming or it was refused."""
        words = {"access_token": self.token(user, **claims), **(query or {})}
        address = f"{self.url.replace('http', 'ws')}/hub?{urlencode(words)}"
        socket = await self._running.enter_async_context(
            connect(address, additional_headers=headers, compression=None)
        )
        await socket.send('{"protocol":"json","version":1}\x1e')
        assert await socket.recv() == "{}\x1e"
        peer = Peer(socket)
        # Calls wait for the connect hook: one that is answered says that it is done.
        number = await peer.start(1, "GetMe", {})
        await wait_until(lambda: peer.ended.is_set() or peer.is_answered(number))
        return peer


@asynccontextmanager
async def open_house(
    folder: Path,
    limits: Mapping[str, int],
    foundation: Foundation | None = None,
    **settings: Any,
) -> AsyncIterator[House]:
    """The server on a free port of this machine."""
    config = Config(
        data_dir=folder,
        port=0,
        secret=SECRET,
        limit=dict(limits),
        log_level="error",
        **settings,
    )
    installation = await install(config, foundation)
    server = _Server(installation)
    serving = asyncio.get_running_loop().create_task(server.serve())
    try:
        await wait_until(lambda: server.started or serving.done())
        port = server.servers[0].sockets[0].getsockname()[1]
        async with AsyncExitStack() as running:
            house = House(installation, port, running)
            people = [PutPerson(id_, id_.title(), ("student",)) for id_ in PEOPLE]
            await house.write(PutTenant("School", "itslearning"), *people)
            yield house
    finally:
        server.should_exit = True
        await serving
        await installation.stop()
