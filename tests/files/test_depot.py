"""If these fail, bytes are lost, half written, or stay where nobody looks."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatd.errors import Refused
from chatd.files.depot import CHUNK_BYTES, Depot, open_depot
from chatd.ids import new_id
from tests.support.bucket import Bucket, bucket
from tests.support.files import chunks, whole

LARGE = bytes(range(256)) * 4096 * 8


@pytest.fixture
def depot(tmp_path: Path) -> Depot:
    return open_depot(f"file://{tmp_path}/depot")


def files_in(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


def lying_in(folder: Path) -> list[str]:
    return sorted(file.name for file in files_in(folder))


async def test_bytes_come_back(depot: Depot) -> None:
    """A download would not be what was uploaded, whole or in part."""
    key = new_id()
    assert await depot.put(key, chunks(LARGE)) == len(LARGE)
    assert await whole(depot.read(key)) == LARGE
    assert await whole(depot.read(key, 10, 20)) == LARGE[10:20]
    parts = [part async for part in depot.read(key)]
    assert max(map(len, parts)) <= 64 * CHUNK_BYTES


@pytest.mark.parametrize("error", [Refused("file_too_large"), OSError("gone")])
async def test_a_broken_upload_leaves_nothing(
    depot: Depot, tmp_path: Path, error: Exception
) -> None:
    """The disk would fill with halves of files that nobody can find."""

    async def breaking() -> AsyncIterator[bytes]:
        async for chunk in chunks(LARGE):
            yield chunk
        raise error

    with pytest.raises(type(error)):
        await depot.put(new_id(), breaking())
    assert lying_in(tmp_path) == []


async def test_a_cancelled_upload_leaves_nothing(depot: Depot, tmp_path: Path) -> None:
    """Who closes the page while uploading would leave half a file."""
    begun = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield LARGE
            begun.set()
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        upload = group.create_task(depot.put(new_id(), endless()))
        await begun.wait()
        upload.cancel()
    assert lying_in(tmp_path) == []


async def test_deleting(depot: Depot, tmp_path: Path) -> None:
    """Removed bytes would still be there, or deleting twice would fail."""
    key = new_id()
    await depot.put(key, chunks(b"secret"))
    file = files_in(tmp_path)[0]
    # What a process that was killed while writing leaves.
    file.with_name(f"{file.name}#1").write_bytes(b"sec")
    await depot.delete(key)
    await depot.delete(key)
    assert lying_in(tmp_path) == []
    with pytest.raises(Refused) as refused:
        await whole(depot.read(key))
    assert refused.value.code == "not_found"


async def test_a_folder_that_is_gone(depot: Depot, tmp_path: Path) -> None:
    """Somebody would be told that a file is stored which is not."""
    (tmp_path / "depot").rmdir()
    (tmp_path / "depot").write_text("no folder")
    with pytest.raises(Refused) as refused:
        await depot.put(new_id(), chunks(b"content"))
    assert refused.value.code == "storage_unavailable"


def test_other_addresses(tmp_path: Path) -> None:
    """Files would go where nobody expects them."""
    with pytest.raises(ValueError, match="attachments_url"):
        open_depot("relative/folder")
    assert isinstance(open_depot("s3://bucket/prefix"), Depot)


def test_nobody_else_may_list_the_folder(depot: Depot, tmp_path: Path) -> None:
    """Another account of the machine would read the pupils' files."""
    assert (tmp_path / "depot").stat().st_mode & 0o077 == 0


@pytest.fixture
async def cloud(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bucket]:
    """A bucket, found as an operator would say it."""
    async with bucket() as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL", running.url)
        monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("AWS_REGION", "eu-north-1")
        yield running


async def test_a_bucket(cloud: Bucket) -> None:
    """Files would be lost where several machines share a bucket."""
    depot, key = open_depot("s3://school/files"), new_id()
    content = LARGE + LARGE
    assert await depot.put(key, chunks(content)) == len(content)
    assert list(cloud.objects.values()) == [content]
    assert await whole(depot.read(key)) == content
    assert await whole(depot.read(key, 10, 20)) == content[10:20]
    small = new_id()
    await depot.put(small, chunks(b"small"))
    assert await whole(depot.read(small)) == b"small"
    for one in (key, small, new_id()):
        await depot.delete(one)
    assert cloud.objects == {}
    with pytest.raises(Refused) as refused:
        await whole(depot.read(key))
    assert refused.value.code == "not_found"


async def test_a_broken_upload_to_a_bucket(cloud: Bucket) -> None:
    """Parts that nobody sees would be paid for month after month."""

    async def breaking() -> AsyncIterator[bytes]:
        async for chunk in chunks(LARGE + LARGE):
            yield chunk
        raise Refused("file_too_large")

    with pytest.raises(Refused):
        await open_depot("s3://school/files").put(new_id(), breaking())
    assert cloud.objects == {}
    assert cloud.uploads == {}


async def test_a_bucket_that_is_down(cloud: Bucket) -> None:
    """Everybody who uploads would wait for minutes, and then see an error of ours."""
    depot = open_depot("s3://school/files")
    cloud.down = True
    for deed in (
        depot.put(new_id(), chunks(b"content")),
        whole(depot.read(new_id())),
        depot.delete(new_id()),
    ):
        async with asyncio.timeout(60):
            with pytest.raises(Refused) as refused:
                await deed
        assert refused.value.code == "storage_unavailable"
