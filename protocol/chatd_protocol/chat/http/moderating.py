"""Routes of moderators."""

from typing import Final

from chatd_protocol.chat.http import screening
from chatd_protocol.chat.http.rows import RouteRow

_HELD: Final = "/v1/held-messages"

SCREENING_ROWS: Final = (
    RouteRow(
        "listHeldMessages",
        "GET",
        _HELD,
        screening.ListHeldMessages,
        screening.HeldMessagePage,
        "moderation",
    ),
    RouteRow(
        "releaseHeldMessage",
        "POST",
        f"{_HELD}/{{heldId}}/release",
        screening.ReleaseHeldMessage,
        screening.HeldMessage,
        "moderation",
    ),
    RouteRow(
        "refuseHeldMessage",
        "POST",
        f"{_HELD}/{{heldId}}/refuse",
        screening.RefuseHeldMessage,
        screening.HeldMessage,
        "moderation",
    ),
    RouteRow(
        "listFlaggedMessages",
        "GET",
        "/v1/flagged-messages",
        screening.ListFlaggedMessages,
        screening.FlaggedMessagePage,
        "moderation",
    ),
)
