"""Bounds of an installation that a request's type cannot know.

The contract's types have the widest bounds that there may be; an installation that sets
a narrower one is asked here, once for both doors.
"""

from typing import TypeVar

import msgspec

from chatd.limits import Limits
from chatd_protocol.chat.base import Request

R = TypeVar("R", bound=Request)


def bounded(request: R, limits: Limits) -> R:
    """The same request, for a page that is no larger than the installation's.

    Cut and not refused: who named no size gets the type's own, and every answer says
    whether there is more.
    """
    limit: int | None = getattr(request, "limit", None)
    if limit is None or limit <= limits.page_items:
        return request
    return msgspec.structs.replace(request, limit=limits.page_items)
