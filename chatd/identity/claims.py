"""What a verified token says, and whom a request is let in as."""

from dataclasses import dataclass

from chatd.domain.people import Caller

EVERY_TENANT = "*"


@dataclass(frozen=True, slots=True)
class Claims:
    """A token whose signature, times, audience and tenant were found good.

    Whether its subject may still come in is another question: see `actions.sessions`.
    `operates` are the tenants that its issuer may create.
    """

    tenant: str
    user_id: str
    scopes: frozenset[str]
    issued_at_ms: int
    expires_at_ms: int
    operates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who was let in. `person`: known in the directory, active, not ended.

    `acting`: a service's token stands behind it, which named the person to act for.
    """

    caller: Caller
    person: bool
    issued_at_ms: int
    expires_at_ms: int
    acting: bool = False

    @property
    def tenant(self) -> str:
        """The tenant that everything this identity does is kept to."""
        return self.caller.tenant

    @property
    def user_id(self) -> str:
        """The person's id, or the name of the service."""
        return self.caller.user_id

    @property
    def key(self) -> tuple[str, str]:
        """The tenant and the user id together: unique in the installation."""
        return self.caller.tenant, self.caller.user_id
