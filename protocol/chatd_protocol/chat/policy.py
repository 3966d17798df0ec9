"""A tenant's rules as they are read, changed and asked over HTTP."""

from typing import Annotated, Literal

import msgspec

from chatd_protocol.chat.base import Id, Request, Shape
from chatd_protocol.chat.directory import Preset
from chatd_protocol.chat.objects import Action, ConversationKind


class GetPolicy(Request):
    """Read the rules that a tenant follows (scope `admin`)."""

    tenant_id: Id


class PutPolicy(Request):
    """Change the rules of a tenant; keys that are absent follow the preset."""

    tenant_id: Id
    preset: Preset | None = None
    policy: dict[str, object] = msgspec.field(default_factory=dict)


class Policy(Shape):
    """A tenant's preset and all rules that hold; `changed` names the school's own."""

    preset: Preset
    policy: dict[str, object]
    changed: tuple[str, ...] | None = None


class CheckPolicy(Request):
    """May I do this, and why: the answer that the deed itself would get.

    `initiate` asks about writing first to `userId`; `start` about a conversation of
    `kind` with `count` people, or of the roster `rosterId`; the others about
    `conversationId` or `messageId`.
    """

    action: Action | Literal["initiate", "start"]
    user_id: Id | None = None
    kind: ConversationKind | None = None
    roster_id: Id | None = None
    count: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    conversation_id: Id | None = None
    message_id: Id | None = None


class PolicyVerdict(Shape):
    """Yes, or the reason code; `rule` is the row of the policy that decided."""

    allowed: bool
    rule: str
    code: str | None = None
