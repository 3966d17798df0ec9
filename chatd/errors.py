"""The one exception for what is expected to go wrong.

Rules and actions raise `Refused` with a code of `protocol/errors.json`; the doors (hub
and HTTP) word it. Everything else that is raised is a bug and is answered `internal`.
"""


class Refused(Exception):
    """A request that the rules, the limits or the store turned down.

    Args:
        code: a row of `protocol/errors.json`.
        facts: what the caller may know about it, such as `retryAfter` in seconds;
            keys in camelCase, values ready for JSON.
    """

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


def invalid(pointer: str, code: str) -> Refused:
    """The refusal of one wrong field: a JSON pointer to it, and what is wrong there."""
    return Refused("invalid_request", errors=[{"pointer": pointer, "code": code}])
