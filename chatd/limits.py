"""Every bound of the server in one place: name, default, unit (last in the name).

All can be changed by `--limit NAME=VALUE` and are published at `GET /v1/limits`. The
defaults are those of the contract, section "Limits", or argue for themselves.
"""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Bounds that an installation may set; published as they are."""

    message_text_code_points: int = 16_000
    hub_message_bytes: int = 256 * 1024
    websocket_message_bytes: int = 1024 * 1024
    request_header_bytes: int = 16 * 1024
    request_headers: int = 128
    attachment_bytes: int = 20 * 1024 * 1024
    """Of one file, inclusive (ITS-58)."""
    attachments_per_message: int = 10
    attachments_bytes_per_tenant: int = 100 * 1024**3
    """What all files of a tenant take: a school of a thousand for some years."""
    unclaimed_uploads: int = 100
    """Of one person's: ten messages being written, with all the files they can have."""
    uploads_at_once: int = 4
    """Of one person's, as browsers send to one host; each may take minutes."""
    recipients: int = 300
    page_items: int = 200
    sync_answer_bytes: int = 256 * 1024
    sync_events_per_conversation: int = 1_000
    """Further behind than this is `tooLong`: a page of history is cheaper to load."""
    connections_per_user: int = 20
    connections_per_address: int = 20_000
    """Twice what one process is measured with; a whole school may be one address."""
    openings_per_address: int = 2_000
    """Of those, how many may be without a handshake, for which there are 15 s."""
    outbound_queue_bytes: int = 1024 * 1024
    outbound_queue_seconds: int = 10
    invocation_queue: int = 64
    """Calls that one connection may have waiting; no typing person reaches it."""
    sends_per_second: int = 10
    sends_burst: int = 30
    reads_per_second: int = 50
    reads_burst: int = 200
    """Calls that write nothing; a client that opens many pages at start fits in."""
    new_conversations_per_hour: int = 30
    reports_per_hour: int = 20
    """A child who is bullied in a busy group reports that often; a prank soon ends."""
    unread_exact: int = 999
    http_body_bytes: int = 1024 * 1024
    directory_import_bytes: int = 64 * 1024 * 1024
    """Of one bulk import: about 300,000 people."""
    http_requests_at_once: int = 32
    """Of one person or service: bodies of that many times `http_body_bytes`."""
    participants_in_view: int = 8
    """Faces that a group's row in the list can show at most."""


def describe(limits: Limits) -> dict[str, int]:
    """The limits as `GET /v1/limits` and `GetMe` publish them, camelCase names."""
    values: dict[str, int] = msgspec.to_builtins(limits)
    return values


def with_changes(limits: Limits, changes: dict[str, int]) -> Limits:
    """The limits with some of them set anew, by their snake_case or camelCase names.

    Raises:
        ValueError: a name is unknown or a value is not a positive integer.
    """
    by_name = {
        field.encode_name: field.name for field in msgspec.structs.fields(Limits)
    }
    fields: dict[str, int] = {}
    for name, value in changes.items():
        field = by_name.get(name, name)
        if field not in by_name.values():
            raise ValueError(f"there is no limit named {name}")
        if value < 1:
            raise ValueError(f"limit {name} needs a positive whole number")
        fields[field] = value
    return msgspec.structs.replace(limits, **fields)
