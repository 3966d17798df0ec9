"""Files over HTTP, beside the hub: up in a stream, down in a stream."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final
from urllib.parse import quote

import httpx2
import msgspec

from chatd_client.errors import Refused
from chatd_client.lifeline import Token
from chatd_client.signalr import ClientError, ConnectionLost
from chatd_protocol.chat.errors import ERRORS
from chatd_protocol.chat.objects import Attachment

UPLOAD_S: Final = 600.0
"""As long as the server waits for a file of the largest size."""

_OWN: Final = frozenset({"type", "title", "status", "code", "detail", "requestId"})


@dataclass(frozen=True, slots=True)
class Files:
    """Uploads and downloads of one person; `base` is the server's address."""

    http: httpx2.AsyncClient
    base: str
    token: Token

    async def upload(
        self, file: Path | bytes, name: str | None = None, alt: str | None = None
    ) -> Attachment:
        """Bring a file to the server, to be sent in a message; see `ChatClient`."""
        if isinstance(file, Path):
            with file.open("rb") as opened:
                return await self._post((name or file.name, opened), alt)
        return await self._post((name or "file", file), alt)

    async def _post(
        self, file: tuple[str, IO[bytes] | bytes], alt: str | None
    ) -> Attachment:
        fields = {} if alt is None else {"alt": alt}
        try:
            answer = await self.http.post(
                f"{self.base}/v1/attachments",
                headers=await self._headers(),
                files={"file": file},
                data=fields,
                timeout=UPLOAD_S,
            )
        except httpx2.TransportError as error:
            raise ConnectionLost(str(error)) from error
        _check(answer.status_code, answer.content)
        return msgspec.json.decode(answer.content, type=Attachment)

    async def download(
        self, attachment_id: str, *, thumbnail: bool = False
    ) -> AsyncIterator[bytes]:
        """The bytes of a file, or of its small picture, as they come."""
        path = f"{self.base}/v1/attachments/{quote(attachment_id, safe='')}"
        query = {"thumbnail": "true"} if thumbnail else None
        try:
            async with self.http.stream(
                "GET", path, params=query, headers=await self._headers()
            ) as answer:
                if answer.status_code != httpx2.codes.OK:
                    _check(answer.status_code, await answer.aread())
                async for chunk in answer.aiter_bytes():
                    yield chunk
        except httpx2.TransportError as error:
            raise ConnectionLost(str(error)) from error

    async def _headers(self) -> Mapping[str, str]:
        token = self.token if isinstance(self.token, str) else await self.token()
        return {"Authorization": f"Bearer {token}"}


def _check(status: int, content: bytes) -> None:
    if status == httpx2.codes.OK:
        return
    try:
        problem = msgspec.json.decode(content, type=dict[str, object])
    except msgspec.DecodeError:
        problem = {}
    code = problem.get("code")
    if code not in ERRORS:
        raise ClientError(f"The server answered {status}.")
    facts = {name: value for name, value in problem.items() if name not in _OWN}
    raise Refused(str(code), str(problem.get("detail", "")), facts)
