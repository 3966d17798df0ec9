"""Messages as the rules and the store know them."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Forwarded:
    """Whose words a forwarded message has, and from which message they come first."""

    message_id: str
    author_id: str
    author_name: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """A message's row with the names that go with it. A removed one has no text.

    `links_json` and `attachments_json` hold the contract's objects as JSON;
    `last_event_seq` is the position of the latest event about the message: a former
    member is not shown later text.
    """

    id: str
    conversation_id: str
    seq: int
    kind: Literal["text", "system"]
    author_id: str
    author_name: str
    created_at_ms: int
    last_event_seq: int
    text: str | None = None
    links_json: str | None = None
    attachments_json: str | None = None
    reply_to_id: str | None = None
    client_message_id: str | None = None
    digest: bytes | None = None
    edited_at_ms: int | None = None
    removed_at_ms: int | None = None
    removed_by: str | None = None
    removed_by_name: str | None = None
    notice: str | None = None
    forwarded: Forwarded | None = None
    report_id: str | None = None
