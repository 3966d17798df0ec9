"""What the chat adds to SignalR's errors: refusals by code, and readers left behind."""

from collections.abc import Mapping
from typing import Final

from chatd_client.signalr.errors import CallFailed, ClientError, ConnectionClosed
from chatd_protocol.chat.errors import ERRORS, Retry, parse_error

_FAILED: Final = "Connection closed with an error."


class Refused(ClientError):
    """The server refused a call by one of the contract's codes."""

    def __init__(self, code: str, text: str, facts: Mapping[str, object]) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text
        self.facts = facts

    @property
    def retry(self) -> Retry:
        """Whether the same call may succeed later, or after signing in again."""
        return ERRORS[self.code].retry

    @property
    def retry_after_s(self) -> float | None:
        """How long the server asks to wait, in seconds, if it said so."""
        seconds = self.facts.get("retryAfter")
        return float(seconds) if isinstance(seconds, int | float) else None


class Lagging(ClientError):
    """A reader of events fell too far behind; the replica is still whole."""


def refusal(failure: CallFailed) -> ClientError:
    """The refusal in a failed call's text, or the failure itself if it has none."""
    found = parse_error(str(failure))
    return failure if found is None else Refused(found.code, found.text, found.facts)


def retry_of(closed: ConnectionClosed) -> Retry:
    """What a Close without invitation means for coming back.

    With a code of the contract's table, what the table says. SignalR's own sentence
    says only that something failed, which may be over next time. Any other text is
    meant.
    """
    text = str(closed).removeprefix(_FAILED).strip().removeprefix("HubException: ")
    found = parse_error(text)
    if found is not None:
        return ERRORS[found.code].retry
    return "later" if str(closed).startswith(_FAILED) else "no"
