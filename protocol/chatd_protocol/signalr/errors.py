"""Two sides of a wire, two errors.

`LocalProtocolError` means that our own code asked for something the protocol forbids: a
bug here. `RemoteProtocolError` means that the peer's bytes break the protocol: the
connection ends, and nothing else does.
"""


class ProtocolError(Exception):
    """What both errors have in common; its text is one plain sentence."""


class LocalProtocolError(ProtocolError):
    """This side tried to send what the protocol does not allow."""


class RemoteProtocolError(ProtocolError):
    """The other side sent what the protocol does not allow.

    The text names the rule that was broken and never repeats the peer's bytes, so it
    can be logged and, with detailed errors on, sent back.
    """
