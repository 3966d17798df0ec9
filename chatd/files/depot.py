"""Where the bytes of files lie: a folder, or a bucket of an S3-compatible service.

A blob is written once, under a key of our own, and read in ranges. Bytes stream: no
file is ever whole in memory. A write that fails leaves nothing behind.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from chatd.errors import Refused
from chatd.telemetry import log

if TYPE_CHECKING:
    # Only its stubs have it.
    from obstore.store import RetryConfig

CHUNK_BYTES: Final = 64 * 1024
"""Handed on at a time: large enough for few turns of the loop, small for memory."""

RETRIES: Final = 3
RETRY_FOR: Final = timedelta(seconds=10)
"""How often, and for how long, a bucket is asked again: somebody is waiting."""

_FULL: Final = "No space left"

Task = asyncio.Task[object]


class Depot:
    """The blobs of an installation. Made by `open_depot`."""

    def __init__(self, store: ObjectStore, folder: Path | None) -> None:
        self._store = store
        self._folder = folder

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> int:
        """Write a blob and return its size in bytes, when it is on disk.

        What `chunks` raises is raised here, and then nothing was written.

        Raises:
            Refused: `storage_full`, `storage_unavailable`.
        """
        feed = _Feed()
        loop = asyncio.get_running_loop()
        # Never cancelled: it ends by what its feed says, so that it can clean up.
        writing = loop.create_task(self._write(key, feed))
        try:
            size = 0
            async for chunk in chunks:
                size += len(chunk)
                await feed.give(chunk, writing)
            await feed.give(b"", writing)
            await asyncio.shield(writing)
        except BaseException as error:
            feed.fail(error)
            await asyncio.wait({writing})
            broken = writing.exception()
            if isinstance(broken, Refused):
                raise broken from None
            raise
        return size

    async def _write(self, key: str, feed: "_Feed") -> None:
        try:
            await obstore.put_async(self._store, _path(key), feed, max_concurrency=2)
            if self._folder is not None:
                await asyncio.to_thread(_sync, self._folder / _path(key))
        except (BaseError, OSError) as error:
            raise _refusal(error) from error

    async def read(
        self, key: str, first: int = 0, end: int | None = None
    ) -> AsyncIterator[bytes]:
        """The bytes `[first, end)` of a blob, in chunks.

        Raises:
            Refused: `not_found` when there is no such blob, `storage_unavailable`.
        """
        try:
            if end is not None:
                result = await obstore.get_async(
                    self._store, _path(key), options={"range": (first, end)}
                )
            else:
                result = await obstore.get_async(self._store, _path(key))
            async for chunk in result.stream(min_chunk_size=CHUNK_BYTES):
                yield bytes(chunk)
        except (BaseError, OSError) as error:
            raise _refusal(error) from error

    async def delete(self, key: str) -> None:
        """Take a blob away; one that is not there is no mistake.

        Raises:
            Refused: `storage_unavailable`: try again.
        """
        try:
            await obstore.delete_async(self._store, _path(key))
        except FileNotFoundError:
            pass
        except (BaseError, OSError) as error:
            raise _refusal(error) from error
        if self._folder is not None:
            await asyncio.to_thread(_sweep, self._folder / _path(key))


class _Feed:
    """Hands chunks from whoever has them to the write that asks for them."""

    def __init__(self) -> None:
        self._chunks: asyncio.Queue[bytes | BaseException] = asyncio.Queue(1)

    async def give(self, chunk: bytes, writing: asyncio.Task[None]) -> None:
        """Wait until the chunk is taken, or the write has ended without it."""
        loop = asyncio.get_running_loop()
        giving: Task = loop.create_task(self._chunks.put(chunk))
        await asyncio.wait({giving, writing}, return_when=asyncio.FIRST_COMPLETED)
        if writing.done() and not giving.done():
            giving.cancel()
            writing.result()

    def fail(self, error: BaseException) -> None:
        """End the write without a blob."""
        while not self._chunks.empty():
            self._chunks.get_nowait()
        self._chunks.put_nowait(error)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """What was given, to the write."""
        while chunk := await self._chunks.get():
            if isinstance(chunk, BaseException):
                raise Abandoned from chunk
            yield chunk


class Abandoned(Exception):
    """The bytes stopped coming."""


def open_depot(url: str) -> Depot:
    """The depot at `file:///folder` or `s3://bucket/prefix`.

    Credentials and the endpoint of a bucket come from the environment, by the names
    that every S3 client reads (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, …).

    Raises:
        OSError: the folder cannot be made.
        ValueError: the address is of neither kind.
    """
    if url.startswith("file:///"):
        folder = Path(url.removeprefix("file://"))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Depot(LocalStore(folder), folder)
    if not url.startswith("s3://"):
        raise ValueError("attachments_url: needs file:///FOLDER or s3://BUCKET")
    patience: RetryConfig = {"max_retries": RETRIES, "retry_timeout": RETRY_FOR}
    return Depot(from_url(url, retry_config=patience), None)


def _path(key: str) -> str:
    # The end of a UUIDv7 is random: 256 folders of about the same size.
    return f"{key[:36][-2:]}/{key}"


def _sync(file: Path) -> None:
    for path, flags in ((file, os.O_RDONLY), (file.parent, os.O_DIRECTORY)):
        handle = os.open(path, flags)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _sweep(file: Path) -> None:
    """What a process that was killed while writing has left beside."""
    for left in file.parent.glob(f"{file.name}#*"):
        left.unlink(missing_ok=True)


def _refusal(error: Exception) -> Refused:
    if isinstance(error, FileNotFoundError):
        return Refused("not_found")
    full = _FULL in str(error)
    log.error("attachment storage failed", kind=type(error).__name__, full=full)
    return Refused("storage_full" if full else "storage_unavailable")
