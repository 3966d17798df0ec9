"""The building blocks of every contract type: naming, strictness and bounded strings.

A type that the server reads refuses unknown fields by name; a type that it writes may
gain optional fields later, so clients read it leniently.
"""

from typing import Annotated, Any, dataclass_transform

import msgspec

ID_CHARS_MAX = 128
"""Longest id a platform may bring (SPEC, Identity)."""

TITLE_CHARS_MAX = 200
"""Longest conversation title; fits one line of a list and one of a window title."""

PAGE_MAX = 200
"""Largest page of any list."""

RECIPIENTS_MAX = 300
"""Most recipients that one request may name (ITS-51, ITS-52)."""

ATTACHMENTS_MAX = 100
"""Files that one message may name at all; an installation's own limit is lower."""

SYNC_CURSORS_MAX = 500
WATCHED_MAX = 50
"""Most conversations that one `Sync` call may ask for."""

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=ID_CHARS_MAX)]
"""An opaque, case-sensitive id: UUIDv7 if server-made, else the platform's own."""

ClientId = Annotated[str, msgspec.Meta(min_length=1, max_length=ID_CHARS_MAX)]
"""A key that the caller makes up; the same key with the same body is answered once."""

Timestamp = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]
"""RFC 3339, UTC, milliseconds: `2026-11-21T09:30:00.000Z`."""

Seq = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
"""A position in a conversation's log or in a person's own state; JavaScript-safe."""

PageLimit = Annotated[int, msgspec.Meta(ge=1, le=PAGE_MAX)]


@dataclass_transform(
    frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,)
)
class _ContractMeta(msgspec.StructMeta):
    """Every contract type is frozen, keyword-only and camelCase, without saying so.

    msgspec does not inherit `kw_only`, and a type checker wants `frozen` repeated in
    every subclass: here both are said once, for either reader.
    """

    def __new__(
        mcls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        **config: Any,
    ) -> "_ContractMeta":
        defaults = {"frozen": True, "kw_only": True, "rename": "camel"}
        made: _ContractMeta = super().__new__(
            mcls,
            name,
            bases,
            namespace,
            **{**defaults, "omit_defaults": True, **config},
        )
        return made


class Shape(msgspec.Struct, metaclass=_ContractMeta):
    """What the server writes and a client reads: unknown fields are let through."""


class Request(msgspec.Struct, metaclass=_ContractMeta, forbid_unknown_fields=True):
    """What a client writes and the server reads: unknown fields are refused by name."""
