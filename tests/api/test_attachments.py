"""If these fail, a file is handed to the wrong person, or in a form that does harm."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from chatd.limits import Limits
from tests.api.conftest import Api, asking
from tests.support.counted import value
from tests.support.files import picture

TEXT = b"0123456789" * 1_000


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Api]:
    """Anna and Ben in a conversation, and Carl who is not."""
    limits = Limits(reads_burst=1_000, sends_burst=1_000, attachment_bytes=100_000)
    async with asking(tmp_path, limits) as api:
        await api.house.people("anna", "ben", "carl")
        await api.house.conversation("talk", "anna", "ben")
        yield api


async def upload(
    api: Api,
    content: bytes = TEXT,
    name: str = "notes.txt",
    user: str = "anna",
    **fields: str,
) -> httpx2.Response:
    return await api.http.post(
        "/v1/attachments",
        headers=api.headers(user),
        files={"file": (name, content)},
        data=fields,
    )


async def sent(api: Api, *args: object, **more: str) -> dict:
    """An upload of Anna's that is in the conversation."""
    uploaded = (await upload(api, *args, **more)).json()  # type: ignore[arg-type]
    answer = await api.ask(
        "POST",
        "/v1/conversations/talk/messages",
        "anna",
        json={"attachmentIds": [uploaded["id"]], "clientMessageId": uploaded["id"]},
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["attachments"] == [uploaded]
    return uploaded | {"messageId": answer.json()["id"]}


async def fetch(
    api: Api, file: dict, user: str = "ben", **more: str
) -> httpx2.Response:
    path = f"/v1/attachments/{file['id']}"
    return await api.http.get(path, headers=api.headers(user) | more)


async def test_up_and_down(room: Api) -> None:
    """A file would not come as it was sent (ITS-61)."""
    file = await sent(room, picture(), "Mein Foto: ä.png", alt="A cat")
    assert (file["mediaType"], file["width"], file["height"]) == ("image/png", 60, 40)
    assert file["alt"] == "A cat"
    answer = await fetch(room, file)
    assert answer.content == picture()
    assert answer.headers["content-length"] == str(file["size"])
    assert answer.headers["content-type"] == "image/png"


async def test_a_repeated_upload_is_answered_with_the_first(room: Api) -> None:
    """A lost answer would leave a second file behind (SPEC, Files)."""

    async def put(content: bytes, key: str = "one", user: str = "anna") -> dict:
        answer = await room.http.post(
            "/v1/attachments",
            headers=room.headers(user) | {"Idempotency-Key": key},
            files={"file": ("notes.txt", content)},
        )
        return {"status": answer.status_code} | answer.json()

    first = await put(TEXT)
    assert (first["status"], await put(TEXT)) == (200, first)
    assert (await put(b"other"))["code"] == "idempotency_conflict"
    assert (await put(TEXT, key="two"))["id"] != first["id"]
    assert (await put(TEXT, user="ben"))["id"] != first["id"]
    assert (await put(TEXT, key="k" * 129))["code"] == "invalid_request"


async def test_nothing_in_a_file_runs(room: Api) -> None:
    """A page or script in a file would run as ours (fault 26)."""
    name = 'a";\u202e b.txt'
    file = await sent(room, b"<script>alert(1)</script>", name)
    answer = await fetch(room, file)
    headers = answer.headers
    assert headers["content-disposition"] == (
        "attachment; filename=\"a_; b.txt\"; filename*=UTF-8''a%22%3B%20b.txt"
    )
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store, private"
    assert headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("asked", "status", "first", "end"),
    [
        ("bytes=0-9", 206, 0, 10),
        ("bytes=9990-", 206, 9_990, 10_000),
        ("bytes=-5", 206, 9_995, 10_000),
        ("bytes=5-99999", 206, 5, 10_000),
        ("bytes=-99999", 200, 0, 10_000),
        ("bytes=0-1,5-6", 200, 0, 10_000),
        ("bytes=-", 200, 0, 10_000),
        ("lines=1-2", 200, 0, 10_000),
        ("bytes=10000-", 416, 0, 0),
        ("bytes=9-5", 416, 0, 0),
        ("bytes=-0", 416, 0, 0),
    ],
)
async def test_ranges(room: Api, asked: str, status: int, first: int, end: int) -> None:
    """A video would not be sought in, or a download not be resumed."""
    answer = await fetch(room, await sent(room), Range=asked)
    assert answer.status_code == status
    assert answer.content == TEXT[first:end]
    if status == 206:
        assert answer.headers["content-range"] == f"bytes {first}-{end - 1}/10000"
    if status == 416:
        assert answer.headers["content-range"] == "bytes */10000"


async def test_a_range_of_something_else(room: Api) -> None:
    """Two files would be put together to one."""
    file = await sent(room)
    other = await fetch(room, file, **{"Range": "bytes=0-9", "If-Range": '"other"'})
    assert other.status_code == 200
    tag = {"Range": "bytes=0-9", "If-Range": f'"{file["id"]}"'}
    assert (await fetch(room, file, **tag)).status_code == 206


async def test_the_head_alone(room: Api) -> None:
    """A client that asks for the size would get the file."""
    file = await sent(room)
    path = f"/v1/attachments/{file['id']}"
    answer = await room.http.head(path, headers=room.headers("ben"))
    assert answer.content == b""
    assert answer.headers["content-length"] == "10000"


async def test_who_gets_it(room: Api) -> None:
    """A stranger would get the file, or learn that there is one."""
    file = await sent(room)
    unsent = (await upload(room)).json()
    strange = [
        await fetch(room, file, "carl"),
        await fetch(room, {"id": "nothing"}, "carl"),
        await fetch(room, unsent, "ben"),
    ]
    bodies = [{**one.json(), "requestId": ""} for one in strange]
    assert {one.status_code for one in strange} == {404}
    assert bodies[0] == bodies[1] == bodies[2]
    assert (await room.http.get(f"/v1/attachments/{file['id']}")).status_code == 401
    for path in ("carl", "ben"):
        link = await room.ask("POST", f"/v1/attachments/{unsent['id']}/link", path)
        assert link.status_code == 404


async def test_removed_files(room: Api) -> None:
    """A removed file would still be there for who kept its address (ITS-77)."""
    file = await sent(room, picture(), "me.png")
    link = await room.ask("POST", f"/v1/attachments/{file['id']}/link", "ben")
    assert (await room.http.get(link.json()["url"])).status_code == 200
    gone = await room.ask("DELETE", f"/v1/messages/{file['messageId']}", "anna")
    assert "attachments" not in gone.json()
    assert (await fetch(room, file)).status_code == 404
    assert (await room.http.get(link.json()["url"])).status_code == 404


async def test_links(room: Api) -> None:
    """A picture would not show on a page, or something else would run there."""
    file = await sent(room, picture(size=(160, 120)), "me.png")
    path = f"/v1/attachments/{file['id']}/link"
    large = (await room.ask("POST", path, "ben")).json()
    small = (await room.ask("POST", path, "ben", json={"thumbnail": True})).json()
    shown = await room.http.get(large["url"])
    assert shown.headers["content-disposition"].startswith("inline;")
    assert shown.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert shown.headers["cross-origin-resource-policy"] == "cross-origin"
    copy = await room.http.get(small["url"])
    assert copy.headers["content-type"] == "image/webp"
    assert copy.content.startswith(b"RIFF")
    own = await room.http.get(
        f"/v1/attachments/{file['id']}?thumbnail=true", headers=room.headers("ben")
    )
    assert own.content == copy.content
    document = await sent(room)
    link = await room.ask("POST", f"/v1/attachments/{document['id']}/link", "ben")
    page = await room.http.get(link.json()["url"])
    assert page.headers["content-disposition"].startswith("attachment;")
    room.house.clock.at_ms += 60_000
    assert (await room.http.get(large["url"])).status_code == 404


async def test_half_a_picture_is_a_download(room: Api) -> None:
    """What no decoder could read would be shown in place."""
    file = await sent(room, picture(size=(300, 300))[:5_000], "half.png")
    assert "width" not in file
    link = await room.ask("POST", f"/v1/attachments/{file['id']}/link", "ben")
    page = await room.http.get(link.json()["url"])
    assert page.headers["content-disposition"].startswith("attachment;")


async def test_refusals(room: Api) -> None:
    """Somebody would not know why a file cannot be sent (ITS-58, 59, 132, 133)."""
    refused = {"reason": "file_type_not_allowed"}
    before = value("chatd_attachments_rejected_total", **refused)
    bad = await upload(room, b"MZ", "virus.exe")
    assert bad.status_code == 415
    assert bad.json()["detail"] == "Sorry, you can't send virus.exe"
    assert value("chatd_attachments_rejected_total", **refused) == before + 1
    large = await upload(room, b"x" * 100_001)
    assert large.status_code == 413
    assert large.json()["limit"] == 100_000
    assert (await upload(room, b"x" * 100_000)).status_code == 200


async def test_each_file_stands_for_itself(room: Api) -> None:
    """One bad file would cost the others, or could not be tried again (ITS-137)."""
    good = (await upload(room, name="good.txt")).json()["id"]
    assert (await upload(room, b"MZ", "bad.exe")).status_code == 415
    again = (await upload(room, name="bad.txt")).json()["id"]
    answer = await room.ask(
        "POST",
        "/v1/conversations/talk/messages",
        "anna",
        json={"attachmentIds": [good, again], "clientMessageId": "both"},
    )
    names = [one["name"] for one in answer.json()["attachments"]]
    assert names == ["good.txt", "bad.txt"]


@pytest.mark.parametrize(
    ("files", "data", "pointer"),
    [
        ({"file": ("a.txt", b"a")}, {"alt": "x" * 1_001}, "/alt"),
        ({"file": ("a.txt", b"a")}, {"more": "x"}, "/more"),
        ({"other": ("a.txt", b"a")}, {}, "/other"),
        ([("file", ("a.txt", b"a")), ("file", ("b.txt", b"b"))], {}, "/file"),
    ],
)
async def test_wrong_forms(room: Api, files: dict, data: dict, pointer: str) -> None:
    """A mistake of a client's would go unnoticed."""
    answer = await room.http.post(
        "/v1/attachments", headers=room.headers("anna"), files=files, data=data
    )
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_no_file_at_all(room: Api) -> None:
    """Nothing would become an attachment."""
    answer = await room.ask("POST", "/v1/attachments", "anna", json={})
    assert answer.status_code == 415
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    empty = await room.http.post(
        "/v1/attachments", headers=room.headers("anna") | form, content=b"--x--\r\n"
    )
    assert empty.status_code == 400


async def test_bytes_that_are_gone(room: Api, tmp_path: Path) -> None:
    """A download would break off after it had begun."""
    file = await sent(room)
    for blob in (tmp_path / "files").rglob("*"):
        if blob.is_file():
            blob.unlink()
    assert (await fetch(room, file)).status_code == 404
