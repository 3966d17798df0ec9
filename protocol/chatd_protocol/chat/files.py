"""What travels with files: only over HTTP, as a hub carries no bytes of that size."""

from typing import Annotated

import msgspec

from chatd_protocol.chat.base import ClientId, Id, Request, Shape, Timestamp

ALT_CHARS_MAX = 1_000
"""Longest description of a picture for those who do not see it (UX-57)."""


class UploadAttachment(Request):
    """Upload one file, for a message to come; `multipart/form-data`.

    Until a message has it, only its uploader may fetch it or send it (ITS-58, 59). A
    JPEG, PNG or WebP is kept without what its camera wrote beside the pixels.
    """

    file: bytes
    alt: Annotated[str, msgspec.Meta(max_length=ALT_CHARS_MAX)] | None = None
    client_request_id: ClientId | None = None


class GetAttachment(Request):
    """The bytes of a file that I may see, whole or the `Range` asked for (ITS-61).

    `link`, from a link that was made less than 60 seconds ago, stands for a token.
    """

    attachment_id: Id
    thumbnail: bool | None = None
    link: Annotated[str, msgspec.Meta(max_length=2_000)] | None = None


class LinkAttachment(Request):
    """An address that shows a file for 60 seconds without a token, for `<img>`."""

    attachment_id: Id
    thumbnail: bool | None = None


class FileBytes(Shape):
    """The file itself."""


class AttachmentLink(Shape):
    """A path on this server, and until when it is good."""

    url: str
    expires_at: Timestamp
