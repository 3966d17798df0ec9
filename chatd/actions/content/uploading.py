"""Files on their way in: taken, looked at, kept once for each request id.

Bytes are on disk before their row is written, and nobody can fetch them before. Under a
request id that was used before, the bytes are only compared with those of then.
"""

import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from chatd import metrics
from chatd.actions.basis.context import Context
from chatd.actions.basis.deciding import require
from chatd.actions.basis.facts import parties, policy_of
from chatd.actions.content.attachments import SMALL, Files, shown
from chatd.domain.cases import Case
from chatd.domain.content.attachments import (
    MIB,
    PICTURES,
    AttachmentRecord,
    Kind,
    clean_name,
    kind_of,
)
from chatd.domain.people import Caller
from chatd.domain.texts import normal_text
from chatd.domain.verdicts import decide
from chatd.errors import Refused
from chatd.files.recognising import HEAD_BYTES, fits
from chatd.files.stripping import stripped
from chatd.ids import new_id
from chatd.store.change import AlreadyDone, Change, Key
from chatd.store.content import attachments
from chatd.store.content.attachments import DoomBlob, PutAttachment
from chatd.store.engine import applying
from chatd.store.transaction import Transaction
from chatd_protocol.chat.files import ALT_CHARS_MAX
from chatd_protocol.chat.objects import Attachment

UPLOAD_MS: Final = 3_600_000
"""When bytes without a row are given up; no upload may take nearly as long."""


@dataclass(frozen=True, slots=True)
class Received:
    """The bytes of an upload: where they lie, and what tells them from others.

    `record` is None if its request id was used before; `digest` if it has none.
    """

    name: str
    record: AttachmentRecord | None
    digest: bytes | None


async def receive(
    context: Context,
    files: Files,
    caller: Caller,
    name: str,
    chunks: AsyncIterator[bytes],
    request_id: str | None = None,
) -> Received:
    """Take the bytes of an upload in; nobody can fetch them before `keep`.

    A picture is kept without what its camera wrote beside the pixels.

    Raises:
        Refused: `file_type_not_allowed` (ITS-59), `file_too_large` (ITS-58),
            `rate_limited`, `storage_full`, or why the caller may not upload at all.
    """
    shown = clean_name(name)
    kind = kind_of(shown)
    if kind is None:
        raise Refused("file_type_not_allowed", name=shown)
    known = request_id is not None and await context.store.read(
        applying.is_known, caller.tenant, caller.user_id, request_id
    )
    if not known:
        await _may_upload(context, caller)
    judged = _judged(chunks, shown, kind, context.limits.attachment_bytes)
    seen = hashlib.sha256()
    content = judged if request_id is None else _digested(judged, seen)
    with _at_once(files, caller, context.limits.uploads_at_once):
        record = None
        if known:
            async for _ in content:
                pass
        else:
            record = await _put(context, files, caller, shown, kind, content)
    return Received(shown, record, None if request_id is None else seen.digest())


async def _digested(
    chunks: AsyncIterator[bytes], seen: "hashlib._Hash"
) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        seen.update(chunk)
        yield chunk


async def _put(
    context: Context,
    files: Files,
    caller: Caller,
    name: str,
    kind: Kind,
    content: AsyncIterator[bytes],
) -> AttachmentRecord:
    now_ms = context.clock.now_ms()
    blob = new_id()
    doom = DoomBlob(blob, now_ms + UPLOAD_MS)
    await context.store.commit(Change(caller.tenant, now_ms, (doom,)))
    size = await files.depot.put(blob, stripped(content, kind.family))
    record = AttachmentRecord(
        id=new_id(),
        uploader_id=caller.user_id,
        blob=blob,
        name=name,
        media_type=kind.media_type,
        size=size,
        created_at_ms=now_ms,
    )
    return await _looked_at(files, record)


async def _may_upload(context: Context, caller: Caller) -> None:
    limits = context.limits

    async def look(tx: Transaction) -> None:
        known = await parties(tx, caller.tenant, [caller.user_id])
        if caller.user_id not in known:
            raise Refused("not_found")
        case = Case(await policy_of(tx, caller.tenant), known[caller.user_id])
        require(decide("upload", case))
        used, waiting = await attachments.usage(tx, caller.tenant, caller.user_id)
        if used >= limits.attachments_bytes_per_tenant:
            raise Refused("storage_full")
        if waiting >= limits.unclaimed_uploads:
            raise Refused("rate_limited", unclaimed=waiting)

    await context.store.read(look)


@contextmanager
def _at_once(files: Files, caller: Caller, most: int) -> Iterator[None]:
    key = (caller.tenant, caller.user_id)
    if files.uploading.get(key, 0) >= most:
        raise Refused("rate_limited", retryAfter=1)
    files.uploading[key] = files.uploading.get(key, 0) + 1
    try:
        yield
    finally:
        files.uploading[key] -= 1
        if not files.uploading[key]:
            del files.uploading[key]


async def _judged(
    chunks: AsyncIterator[bytes], name: str, kind: Kind, bytes_max: int
) -> AsyncIterator[bytes]:
    """The same bytes, as long as they are what their name says, and not too many."""
    head, size = bytearray(), 0
    async for chunk in chunks:
        size += len(chunk)
        if size > bytes_max:
            most = bytes_max // MIB
            raise Refused("file_too_large", name=name, limit=bytes_max, megabytes=most)
        if len(head) == size - len(chunk) and len(head) < HEAD_BYTES:
            head += chunk
            if len(head) < HEAD_BYTES:
                continue
            _recognise(bytes(head), name, kind)
            yield bytes(head)
            continue
        yield chunk
    if len(head) == size and size < HEAD_BYTES:
        _recognise(bytes(head), name, kind)
        yield bytes(head)


def _recognise(head: bytes, name: str, kind: Kind) -> None:
    if not fits(kind.family, head[:HEAD_BYTES]):
        raise Refused("file_type_not_allowed", name=name)


async def _looked_at(files: Files, record: AttachmentRecord) -> AttachmentRecord:
    if record.media_type not in PICTURES:
        return record
    seen = await files.pictures.look(files.depot.read(record.blob))
    if seen is None:
        return record
    small = seen.thumbnail

    async def whole() -> AsyncIterator[bytes]:
        yield small

    await files.depot.put(record.blob + SMALL, whole())
    return replace(record, width=seen.width, height=seen.height, thumbnail=True)


async def keep(
    context: Context,
    caller: Caller,
    received: Received,
    alt: str | None,
    request_id: str | None = None,
) -> Attachment:
    """Make a received file one that its uploader can send.

    A repeated request id is answered with the file of the first upload.

    Raises:
        Refused: `invalid_request` for the description, `storage_full`;
            `idempotency_conflict` for other bytes under the same id, `not_found` when
            the file of then is gone.
    """
    if alt is not None:
        alt = normal_text(alt, "/alt", ALT_CHARS_MAX) if alt.strip() else None
    key = _key(caller, received, alt, request_id)
    record = received.record
    if record is None:
        assert key is not None
        done = await context.store.read(applying.request_result, caller.tenant, key)
        return await _again(context, caller, done or {})
    record = replace(record, alt=alt)
    change = Change(
        caller.tenant,
        context.clock.now_ms(),
        (PutAttachment(record, context.limits.attachments_bytes_per_tenant),),
        key=key,
        result={"attachmentId": record.id},
    )
    try:
        await context.store.commit(change)
    except AlreadyDone as done_before:
        # Two at once: the bytes of this one stay doomed, and are swept away.
        return await _again(context, caller, done_before.result)
    return shown(record)


def _key(
    caller: Caller, received: Received, alt: str | None, request_id: str | None
) -> Key | None:
    if request_id is None:
        return None
    told = "\0".join((received.name, alt or "")).encode()
    digest = hashlib.sha256((received.digest or b"") + told).digest()
    return Key(caller.user_id, request_id, digest)


async def _again(
    context: Context, caller: Caller, result: Mapping[str, object]
) -> Attachment:
    metrics.IDEMPOTENT_REPLAYS.inc()
    id_ = str(result.get("attachmentId", ""))
    record = await context.store.read(attachments.by_id, caller.tenant, id_)
    if record is None:
        raise Refused("not_found")
    return shown(record)
