"""What can go wrong for a caller, one type for each thing that can be done about it.

`Refused`: the server said no, and why. `CallFailed`: the call itself was wrong.
`ConnectionLost`: nobody knows whether it was done. `CannotConnect`: there is no
connection, with what the server said about coming back.
"""

from collections.abc import Mapping

from chatd_protocol.chat.errors import ERRORS, Retry, parse_error


class ClientError(Exception):
    """What all errors of this package have in common."""


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


class CallFailed(ClientError):
    """The call failed in SignalR's own words: unknown method, wrong arguments."""


class ConnectionLost(ClientError):
    """The connection ended before the answer; the deed may or may not be done."""


class ConnectionClosed(ConnectionLost):
    """The server ended the connection on purpose and did not invite us back.

    `retry` is what the contract's table says of the reason, `no` if it has none.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        found = parse_error(text)
        self.retry: Retry = "no" if found is None else ERRORS[found.code].retry


class CannotConnect(ClientError):
    """No connection came about.

    `permanent` tells that trying again is pointless, as with a refused token;
    `retry_after_s` is the server's own wish, in seconds.
    """

    def __init__(
        self,
        text: str,
        *,
        permanent: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(text)
        self.permanent = permanent
        self.retry_after_s = retry_after_s


class Lagging(ClientError):
    """A reader of events fell too far behind; the replica is still whole."""


def from_completion(text: str) -> ClientError:
    """The error that a Completion's error text stands for."""
    found = parse_error(text)
    if found is None:
        return CallFailed(text)
    return Refused(found.code, found.text, found.facts)
