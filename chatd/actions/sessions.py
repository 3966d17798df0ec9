"""Whether the bearer of a good token may come in now, and ending that for a person.

The same answer for both doors: who is unknown, inactive or was ended is refused alike,
and nobody is ever created by a token.
"""

from collections import OrderedDict
from typing import Final

from chatd.actions.basis.context import Context
from chatd.actions.basis.noting import note_look, noted
from chatd.clock import rfc3339
from chatd.domain.people import Caller, PersonRecord
from chatd.errors import Refused
from chatd.identity.claims import EVERY_TENANT, Claims, Identity
from chatd.identity.tokens import Verifier
from chatd.store import people, tenants
from chatd.store.change import Change
from chatd.store.people import EndSessions
from chatd.store.transaction import Transaction
from chatd_protocol.chat import directory

OPERATOR: Final = "operator"
"""Granted by the issuer's row, never by a claim: may create the token's own tenant."""

OPERATOR_OF_ALL: Final = "operator:*"

NOTED_EVERY_MS: Final = 3_600_000
"""A service that acts for a person is noted once an hour: a busy bot makes thousands of
requests, and a row for each would bury all others."""

NOTED_MAX: Final = 10_000
"""Pairs of service and person that are remembered; who falls out is noted again."""


class SignIn:
    """Lets the bearers of tokens in."""

    def __init__(self, context: Context, verifier: Verifier) -> None:
        self._context = context
        self._verifier = verifier
        self._noted: OrderedDict[tuple[Caller, str], int] = OrderedDict()

    async def __call__(self, token: str | None, act_as: str | None = None) -> Identity:
        """Who comes with this token, acting for `act_as` if a service asks to.

        Raises:
            Refused: `unauthenticated`; for `act_as` also `forbidden`, `not_found`.
        """
        claims = await self._verifier.verify(token)
        identity = await admit(self._context, claims, act_as)
        if act_as is not None:
            await self._note(Caller(claims.tenant, claims.user_id), act_as)
        return identity

    async def renew(self, token: str, identity: Identity) -> Identity:
        """The same person under a newer token.

        Raises:
            Refused: `unauthenticated`, or `forbidden` for anybody else's token.
        """
        act_as = identity.user_id if identity.acting else None
        newer = await self(token, act_as)
        if newer.key != identity.key or newer.person != identity.person:
            raise Refused("forbidden")
        return newer

    async def _note(self, service: Caller, act_as: str) -> None:
        """Into the audit trail, unless this service was noted within the hour."""
        hour = self._context.clock.now_ms() // NOTED_EVERY_MS
        key = (service, act_as)
        if self._noted.get(key) == hour:
            return
        await note_look(self._context, service, "person.acted_for", "person", act_as)
        self._noted[key] = hour
        self._noted.move_to_end(key)
        if len(self._noted) > NOTED_MAX:
            self._noted.popitem(last=False)


async def admit(
    context: Context, claims: Claims, act_as: str | None = None
) -> Identity:
    """Let somebody in, as a person of the tenant or as a service with its scopes.

    Raises:
        Refused: see `SignIn`.
    """
    if act_as is not None and "messages" not in claims.scopes:
        raise Refused("forbidden")
    known, person, other = await context.store.read(
        _subjects, claims.tenant, claims.user_id, act_as
    )
    scopes = claims.scopes | _granted(claims)
    if not known and not (OPERATOR in scopes and "admin" in scopes):
        raise Refused("unauthenticated")
    if person is None and not claims.scopes:
        raise Refused("unauthenticated")
    if person is not None and _is_ended(person, claims.issued_at_ms):
        raise Refused("unauthenticated")
    if act_as is not None:
        # The token is the service's, not the person's: only being active counts, and
        # an ending of this person's sessions that came after it.
        if other is None or not other.active:
            raise Refused("not_found")
        if _is_ended(other, claims.issued_at_ms):
            raise Refused("unauthenticated")
        caller, is_person = Caller(claims.tenant, act_as), True
    else:
        caller = Caller(claims.tenant, claims.user_id, scopes)
        is_person = person is not None
    return Identity(
        caller,
        person=is_person,
        issued_at_ms=claims.issued_at_ms,
        expires_at_ms=claims.expires_at_ms,
        acting=act_as is not None,
    )


async def check(context: Context, identity: Identity) -> int:
    """Look again whether a person who was let in a moment ago may stay.

    Returns:
        The version of the person that says so.

    Raises:
        Refused: `unauthenticated` when the person's sessions were ended since.
    """
    person = await context.store.read(people.get, identity.tenant, identity.user_id)
    if person is None or _is_ended(person, identity.issued_at_ms):
        raise Refused("unauthenticated")
    return person.version


async def end_sessions(
    context: Context, caller: Caller, request: directory.EndSessions
) -> directory.SessionsEnded:
    """Close a person's connections and refuse every token made until now.

    Raises:
        Refused: `not_found`.
    """
    known = await context.store.read(people.get, caller.tenant, request.user_id)
    if known is None:
        raise Refused("not_found")
    now_ms = context.clock.now_ms()
    # One more: a token of this very millisecond was made before the request came.
    write = EndSessions(request.user_id, now_ms + 1)
    note = noted(caller, "person.sessions_ended", "person", request.user_id)
    await context.store.commit(Change(caller.tenant, now_ms, (write, note)))
    return directory.SessionsEnded(
        user_id=request.user_id, before=rfc3339(write.before_ms)
    )


def _is_ended(person: PersonRecord, issued_at_ms: int) -> bool:
    return not person.active or issued_at_ms < person.tokens_valid_from_ms


def _granted(claims: Claims) -> frozenset[str]:
    if not claims.operates:
        return frozenset()
    if EVERY_TENANT in claims.operates:
        return frozenset({OPERATOR, OPERATOR_OF_ALL})
    return frozenset({OPERATOR})


async def _subjects(
    tx: Transaction, tenant: str, user_id: str, act_as: str | None
) -> tuple[bool, PersonRecord | None, PersonRecord | None]:
    known = await tenants.get(tx, tenant) is not None
    person = await people.get(tx, tenant, user_id)
    other = await people.get(tx, tenant, act_as) if act_as is not None else None
    return known, person, other
