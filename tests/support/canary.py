"""One word, put wherever a person can put one, and where it is found afterwards.

Mark writes it into everything that takes words: what he says, edits, takes back and has
not said yet, files and their names, titles, searches, reports, keys. What others made
of it (forwarded, reported) is his, too. Then somebody looks at every byte.
"""

import struct
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import httpx2

from chatd.store.removing.places import WORDS
from tests.support.files import picture

CANARY: Final = "Kanarienvogel7x"
ASCII: Final = CANARY.lower().encode()

Token = Callable[..., str]
"""The token of a user of the tenant, with these scopes."""


class Writer:
    """Asks a server over HTTP, as anybody."""

    def __init__(self, http: httpx2.AsyncClient, token: Token, tenant: str) -> None:
        self._http = http
        self._token = token
        self.tenant = tenant

    async def __call__(
        self, who: str, method: str, path: str, *scopes: str, **sent: Any
    ) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._token(who, *scopes)}"}
        answer = await self._http.request(
            method, f"/v1/{path}", headers=headers, **sent
        )
        assert answer.status_code < 300, (method, path, answer.text)
        return dict(answer.json()) if answer.content else {}

    async def platform(self, method: str, path: str, **sent: Any) -> dict[str, Any]:
        return await self("lms", method, path, "directory", "admin", **sent)

    async def policy(self, **rules: object) -> None:
        body = {"preset": "itslearning", "policy": rules}
        await self.platform("PUT", f"tenants/{self.tenant}/policy", json=body)

    async def upload(self, name: str, content: bytes) -> str:
        files = {"file": (name, content)}
        alt = {"alt": f"{CANARY} alt"}
        sent = await self("mark", "POST", "attachments", files=files, data=alt)
        return str(sent["id"])

    async def say(self, who: str, where: str, key: str, **more: Any) -> str:
        own = f"{CANARY}-{key}" if who == "mark" else key
        body = {"clientMessageId": own, **more}
        path = f"conversations/{where}/messages"
        return str((await self(who, "POST", path, json=body))["id"])


def speaking_picture() -> bytes:
    """A PNG that has the word in a comment, as cameras and editors leave them."""
    plain = picture()
    word = b"Comment\0" + CANARY.encode()
    body = b"tEXt" + word
    comment = struct.pack(">I", len(word)) + body + struct.pack(">I", zlib.crc32(body))
    return plain[:33] + comment + plain[33:]


async def write_everywhere(ask: Writer) -> None:
    """Mark, who teaches Tom and Una, leaves the word in every place there is."""
    mark = {
        "name": f"{CANARY} Mark",
        "roles": ["teacher"],
        "title": f"Dr {CANARY}",
        "email": f"{CANARY}@example.org",
        "avatarUrl": f"https://{CANARY}.example/a.png",
        "privileges": ["massMessaging"],
    }
    await ask.platform("PUT", "users/mark", json=mark)
    for one in ("tom", "una"):
        pupil = {"name": one.title(), "roles": ["student"]}
        await ask.platform("PUT", f"users/{one}", json=pupil)
    await ask.platform("PUT", "courses/birds", json={"name": "Birds"})
    for one, role in (("mark", "teacher"), ("tom", "student"), ("una", "student")):
        path = f"courses/birds/members/{one}"
        await ask.platform("PUT", path, json={"role": role})
    await ask.platform("PUT", "units/nest", json={"name": "Nest"})
    for one, role in (("mark", "teacher"), ("tom", "student"), ("una", "student")):
        await ask.platform("PUT", f"units/nest/members/{one}", json={"role": role})
    await ask.policy(retainRemovedDays=30)
    await ask("mark", "PATCH", "me", json={"language": CANARY})
    await ask("mark", "PUT", "blocks/una", json={})
    await ask("mark", "DELETE", "blocks/una")
    group = await _talk(ask)
    await _say_it_all(ask, group)
    await _report(ask, group)
    await _send_to_all(ask)
    await ask.policy(retainRemovedDays=30, pii={"phone": "hold", "social": "hold"})
    number = f"{CANARY} 0171 2345678 https://{CANARY}.example/"
    held = await ask.upload(f"{CANARY} held.txt", f"{CANARY} held body".encode())
    await ask.say("mark", group, "held", text=number, attachmentIds=[held])
    again = await ask.say("mark", group, "edit-held", text=f"{CANARY} in peace")
    await ask("mark", "PATCH", f"messages/{again}", json={"text": number})
    body = {"draft": f"{CANARY} draft"}
    await ask("mark", "PATCH", f"conversations/{group}", json=body)
    await ask("mark", "GET", f"search?text={CANARY}")


async def _talk(ask: Writer) -> str:
    begin = {
        "recipients": [{"kind": "user", "id": one} for one in ("tom", "una")],
        "title": f"{CANARY} title",
        "clientRequestId": f"{CANARY} request",
        "message": {"text": f"{CANARY} first", "clientMessageId": f"{CANARY}-0"},
    }
    started = await ask("mark", "POST", "conversations", json=begin)
    group = str(started["conversation"]["id"])
    for title in (f"{CANARY} second title", f"{CANARY} third title"):
        await ask("mark", "PATCH", f"conversations/{group}", json={"title": title})
    return group


async def _say_it_all(ask: Writer, group: str) -> None:
    linked = f"{CANARY} https://{CANARY}.example/"
    said = await ask.say("mark", group, "1", text=linked)
    await ask("mark", "PATCH", f"messages/{said}", json={"text": f"{linked} edited"})
    back = await ask.say("mark", group, "2", text=f"{CANARY} taken back")
    await ask("mark", "DELETE", f"messages/{back}")
    note = await ask.upload(f"{CANARY}.txt", f"{CANARY} body".encode())
    photo = await ask.upload(f"{CANARY}.png", speaking_picture())
    sent = await ask.say("mark", group, "3", attachmentIds=[note, photo])
    other = await ask.upload(f"{CANARY} two.txt", f"{CANARY} other body".encode())
    gone = await ask.say("mark", group, "4", attachmentIds=[other])
    await ask("mark", "DELETE", f"messages/{gone}")
    await ask.upload(f"{CANARY} unsent.txt", f"{CANARY} unsent body".encode())
    for number, message in enumerate((said, sent)):
        on = {"conversationId": group, "clientMessageId": f"tom-{number}"}
        await ask("tom", "POST", f"messages/{message}/forward", json=on)


async def _report(ask: Writer, group: str) -> None:
    proof = await ask.upload(f"{CANARY} proof.txt", f"{CANARY} proof".encode())
    words = f"{CANARY} reported"
    said = await ask.say("mark", group, "5", text=words, attachmentIds=[proof])
    toms = await ask.say("tom", group, "6", text="not Mark's")
    about: tuple[tuple[str, str, str, dict[str, str]], ...] = (
        ("tom", said, "mean", {}),
        ("mark", toms, f"{CANARY} says why", {}),
        ("una", toms, "mean", {"teacherId": "mark"}),
    )
    for who, message, text, more in about:
        body = {"clientRequestId": f"{who}-r", "text": text, **more}
        if not more:
            body["teacherId"] = "adam"
        report = await ask(who, "POST", f"messages/{message}/report", json=body)
        if more:
            decided = {"decision": "noAction", "note": f"{CANARY} note"}
            path = f"reports/{report['id']}/resolve"
            await ask("mark", "POST", path, json=decided)


async def _send_to_all(ask: Writer) -> None:
    body = {
        "recipients": [{"kind": "unit", "id": "nest"}],
        "clientRequestId": f"{CANARY} mass",
        "title": f"{CANARY} mass title",
        "message": {"text": f"{CANARY} mass", "clientMessageId": f"{CANARY}-m"},
    }
    await ask("mark", "POST", "mass-messages", json=body)


async def erase(ask: Writer) -> None:
    await ask.platform("POST", "users/mark/erasure", json={})


def found_in(folder: Path) -> list[Path]:
    """Files of a folder in which the word is, whatever its case."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [one for one in files if ASCII in one.read_bytes().lower()]


async def empty_places(look: Callable[[str], Awaitable[int]]) -> list[str]:
    """Places for words in which the word is not: there is nothing to try there.

    `look` counts the rows of a statement.
    """
    return [
        f"{table}.{column}"
        for table, columns in WORDS.items()
        for column in columns
        if not await look(
            f"SELECT 1 FROM {table} WHERE lower({column}) LIKE '%{CANARY.lower()}%'"
        )
    ]
