"""A bucket on this machine that speaks as much of S3's HTTP as an object store needs.

Objects are kept in memory. It tells apart what S3 tells apart: parts of an upload are
nothing until it is completed, and an upload that is aborted never was.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn import Config, Server

from tests.support.waiting import wait_until

OF_WHAT = "<Bucket>b</Bucket><Key>k</Key>"


@dataclass(slots=True)
class Bucket:
    """What is in it, and what is on its way; `down` answers everything with 503."""

    objects: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    url: str = ""
    down: bool = False

    async def answer(self, http: Request) -> Response:
        key, query = http.path_params["key"], http.query_params
        if self.down:
            return Response(status_code=503)
        if "authorization" not in http.headers:
            return Response(status_code=403)
        if http.method == "POST" and "uploads" in query:
            self.uploads[name := f"u{len(self.uploads)}"] = {}
            return _xml("InitiateMultipartUploadResult", f"<UploadId>{name}</UploadId>")
        if http.method == "POST" and "delete" in query:
            return await self._delete(http)
        if upload := query.get("uploadId"):
            return await self._part(http, key, upload)
        if http.method == "PUT":
            self.objects[key] = await http.body()
            return Response(headers={"ETag": '"whole"'})
        return self._read(http, key)

    async def _delete(self, http: Request) -> Response:
        keys = re.findall("<Key>(.*?)</Key>", (await http.body()).decode())
        for key in keys:
            self.objects.pop(f"{http.path_params['key'].strip('/')}/{key}", None)
        done = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
        return _xml("DeleteResult", done, "")

    async def _part(self, http: Request, key: str, upload: str) -> Response:
        if http.method == "DELETE":
            del self.uploads[upload]
            return Response(status_code=204)
        if http.method == "PUT":
            number = int(http.query_params["partNumber"])
            self.uploads[upload][number] = await http.body()
            return Response(headers={"ETag": f'"part-{number}"'})
        parts = self.uploads.pop(upload)
        self.objects[key] = b"".join(parts[number] for number in sorted(parts))
        return _xml("CompleteMultipartUploadResult", '<ETag>"whole"</ETag>')

    def _read(self, http: Request, key: str) -> Response:
        if key not in self.objects:
            body = "<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>"
            return Response(body, 404, media_type="application/xml")
        content = self.objects[key]
        headers = {"ETag": '"whole"', "Last-Modified": "Sat, 21 Nov 2026 09:00:00 GMT"}
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", http.headers.get("range", ""))
        if asked is None:
            return Response(content, headers=headers)
        first, last = int(asked[1]), min(int(asked[2]), len(content) - 1)
        headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
        return Response(content[first : last + 1], 206, headers)


def _xml(name: str, inside: str, head: str = OF_WHAT) -> Response:
    text = f"<?xml version='1.0'?><{name}>{head}{inside}</{name}>"
    return Response(text, media_type="application/xml")


@asynccontextmanager
async def bucket() -> AsyncIterator[Bucket]:
    """A running bucket, at `url`."""
    made = Bucket()
    methods = ["GET", "PUT", "POST", "DELETE"]
    application = Starlette(routes=[Route("/{key:path}", made.answer, methods=methods)])
    server = Server(Config(application, port=0, log_config=None, lifespan="off"))
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve())
        await wait_until(lambda: server.started, what="a bucket")
        port = server.servers[0].sockets[0].getsockname()[1]
        made.url = f"http://127.0.0.1:{port}"
        yield made
        server.should_exit = True
