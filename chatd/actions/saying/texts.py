"""Texts on their way to be said: in order, with their links, and screened (TUT-26)."""

from dataclasses import replace

import msgspec

from chatd.actions.basis.context import Context
from chatd.domain.content.screening import Screened, screen
from chatd.domain.policy import Policy
from chatd.domain.texts import links_in, normal_text
from chatd.errors import Refused, invalid
from chatd.store.change import Write
from chatd.store.messages import InsertMessage
from chatd.store.saying.flagged import FlagMessage
from chatd.store.saying.held import HoldMessage
from chatd_protocol.chat.objects import ContactWarning, Link


def sendable_text(
    context: Context, text: str | None, pointer: str, *, files: bool
) -> str | None:
    """The text of a new message; files make do without one (ITS-56, ITS-62).

    Raises:
        Refused: `invalid_request` when there is neither, or for the text.
    """
    if files and not (text or "").strip():
        return None
    if text is None:
        raise invalid(pointer, "required")
    return normal_text(text, pointer, context.limits.message_text_code_points)


def links_json(text: str) -> str | None:
    """The links of a text as they are stored (ITS-60)."""
    links = links_in(text)
    if not links:
        return None
    shown = [Link(start=one.start, end=one.end, url=one.url) for one in links]
    return msgspec.json.encode(shown).decode()


def allowed_text(policy: Policy, text: str | None) -> Screened | None:
    """What policy makes of a text; none when there is nothing to say against it.

    Raises:
        Refused: `content_held` where contact data is not said at all.
    """
    found = screen(policy.pii, text)
    if found is not None and found.treatment == "block":
        raise Refused("content_held", contactData=list(found.sorts))
    return found


def screened(policy: Policy, message: InsertMessage) -> InsertMessage:
    """A message as policy lets it be said, or wait.

    Raises:
        Refused: `content_held`.
    """
    found = allowed_text(policy, message.text)
    if found is None:
        return message
    masked = replace(message, screened=found)
    if found.text == message.text:
        return masked
    return replace(masked, text=found.text, links_json=links_json(found.text))


def written(message: InsertMessage) -> tuple[Write, ...]:
    """What to write of a message: itself, or that it waits; whom it is told to."""
    found = message.screened
    if found is None:
        return (message,)
    if found.treatment == "hold":
        return (HoldMessage(message, found.sorts),)
    return (message, *flagged(found, message.id, message.conversation_id))


def flagged(
    found: Screened | None, message_id: str, conversation_id: str
) -> tuple[FlagMessage, ...]:
    """That moderators are told of a message, where policy wants it."""
    if found is None or not found.flag:
        return ()
    return (FlagMessage(message_id, conversation_id, found.sorts),)


def warning(found: Screened | None) -> ContactWarning | None:
    """What the sender is told of what became of a text."""
    if found is None or found.treatment == "block":
        return None
    return ContactWarning(treatment=found.treatment, contact_data=found.sorts)
