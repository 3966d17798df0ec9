"""The page of the documentation that the code knows best: `docs/limits.md`.

`python -m chatd.operating.pages` writes it, and with `--check` says if it is stale.
What it says of each limit was tried, see `tests/end_to_end/test_limits.py`.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from chatd.limits import Limits

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "limits.md"


@dataclass(frozen=True, slots=True)
class Bound:
    """What a limit bounds, and what happens to whoever goes beyond."""

    about: str
    over: str


_INVALID = "the call is refused: `invalid_request`"
_LATER = "the call is refused: `rate_limited`, with `retryAfter`"
_SLOW = "Close with `allowReconnect`; the client comes back and asks for what it missed"

BOUNDS: Final[Mapping[str, Bound]] = {
    "message_text_code_points": Bound(
        "Code points of a message's text, after NFC", f"{_INVALID}, `too_long`"
    ),
    "hub_message_bytes": Bound(
        "One message to the hub",
        "that call fails; the connection ends only if the message has no id",
    ),
    "websocket_message_bytes": Bound(
        "One WebSocket message, which may hold many hub messages", "close code 1009"
    ),
    "request_header_bytes": Bound("A request line or one header", "431"),
    "request_headers": Bound("Headers of a request", "431"),
    "attachment_bytes": Bound("One file, inclusive", "413: `file_too_large`"),
    "attachments_per_message": Bound("Files of one message", f"{_INVALID}, `too_many`"),
    "attachments_bytes_per_tenant": Bound(
        "All files of a tenant together, each once", "507: `storage_full`"
    ),
    "unclaimed_uploads": Bound(
        "Files of one person that wait to be sent", "429: `rate_limited`"
    ),
    "uploads_at_once": Bound(
        "Uploads of one person at the same time", "429: `rate_limited`"
    ),
    "recipients": Bound(
        "People that one call names or reaches; a policy may say less, the protocol"
        " takes 300 at most",
        "the call is refused: `too_many_recipients`",
    ),
    "page_items": Bound(
        "Items of a page; the protocol takes 200 at most", "the page is shorter"
    ),
    "sync_answer_bytes": Bound(
        "An answer of `Sync`; one event always fits", "the answer says `more`"
    ),
    "sync_events_per_conversation": Bound(
        "Events that a client may be behind in one conversation",
        "`tooLong`: it loads the newest page instead",
    ),
    "connections_per_user": Bound(
        "Connections of one person",
        "the newest is closed: `rate_limited`",
    ),
    "connections_per_address": Bound(
        "Connections from one address; behind a proxy the address is the client's only"
        " if the proxy is trusted",
        "429",
    ),
    "openings_per_address": Bound("Of these, those without a handshake yet", "429"),
    "outbound_queue_bytes": Bound("What waits for one slow client", _SLOW),
    "outbound_queue_seconds": Bound("How long it waits", _SLOW),
    "invocation_queue": Bound(
        "Calls of one connection that wait for their turn",
        "the connection is not read for a while",
    ),
    "sends_per_second": Bound("Sends and other writes of one person", _LATER),
    "sends_burst": Bound("The same, at once", _LATER),
    "reads_per_second": Bound("Calls of one person that write nothing", _LATER),
    "reads_burst": Bound("The same, at once", _LATER),
    "new_conversations_per_hour": Bound(
        "Conversations that one person starts; one start for many counts once", _LATER
    ),
    "reports_per_hour": Bound(
        "Reports that one person makes; the same again counts, too", _LATER
    ),
    "unread_exact": Bound("Unread messages that are counted", "`capped`"),
    "http_body_bytes": Bound("The body of a request", "413"),
    "http_requests_at_once": Bound(
        "Requests of one person or service that are under way", "429: `rate_limited`"
    ),
    "directory_import_bytes": Bound("The body of a bulk import", "413"),
    "participants_in_view": Bound(
        "People shown with a group in the list", "the others are counted only"
    ),
}

HEAD: Final = """# Limits

Every bound that an installation can change: by `--limit NAME=VALUE`, in the table
`[limit]` of chatd.toml, or by `CHATD_LIMIT=NAME=VALUE,…`. The running server publishes
its own at `GET /v1/limits`. The last word of a name is its unit.

This page is generated from `chatd/limits.py` by `python -m chatd.operating.pages`; each
row is tried on a whole server by `tests/end_to_end/test_limits.py`.

| limit | default | bounds | beyond it |
| --- | ---: | --- | --- |"""


def limits_page() -> str:
    """The page as it should be.

    Raises:
        KeyError: nothing is said of a limit.
    """
    defaults = Limits()
    rows = [
        f"| `{field.encode_name}` | {getattr(defaults, field.name):,}"
        f" | {BOUNDS[field.name].about} | {BOUNDS[field.name].over} |"
        for field in msgspec.structs.fields(Limits)
    ]
    return "\n".join([HEAD, *rows, ""])


def main(arguments: Sequence[str]) -> int:
    """Write the page, or with `--check` only look; the exit status."""
    wanted = limits_page()
    stale = not PAGE.exists() or PAGE.read_text("utf-8") != wanted
    if "--check" in arguments:
        return int(stale)
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(wanted, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
