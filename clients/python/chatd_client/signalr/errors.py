"""How a SignalR connection and its calls can fail, by what can be done about it.

`CallFailed`: the server said no. `ConnectionLost`: nobody knows whether it was done.
`CannotConnect`: there is no connection, with what is known about coming back.
"""


class ClientError(Exception):
    """What all errors of this package have in common."""


class CallFailed(ClientError):
    """A call was completed with an error; its text is the server's."""


class ConnectionLost(ClientError):
    """The connection ended before the answer; the deed may or may not be done."""


class SentAway(ConnectionLost):
    """The server is well, and asked us to connect anew, perhaps to another one."""


class ConnectionClosed(ConnectionLost):
    """The server ended the connection on purpose and did not invite us back."""


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
