"""Server-made ids: UUIDv7 strings, which sort by time and so keep indexes compact."""

from uuid_utils import uuid7


def new_id() -> str:
    """A new id, unguessable in its last 62 bits and unique without coordination."""
    return str(uuid7())
