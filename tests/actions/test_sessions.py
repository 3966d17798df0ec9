"""If these fail, somebody who was sent away comes in again, or never can."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatd.actions.sessions import SignIn, admit, end_sessions
from chatd.domain.announcements import SessionsEnded
from chatd.domain.people import Caller
from chatd.errors import Refused
from chatd.identity.claims import EVERY_TENANT, Claims
from chatd.identity.issuers import FixedKey, Issuer, Signer
from chatd.identity.tokens import Verifier, mint
from chatd.store.people import PutPerson
from chatd_protocol.chat.directory import EndSessions
from tests.support.house import START_MS, TENANT, House, house

SECRET = b"a secret for these tests, long enough"


@pytest.fixture
async def school(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as made:
        await made.people("anna", "ben")
        yield made


def claims(user_id: str, *scopes: str, **changes: object) -> Claims:
    values: dict = {
        "tenant": TENANT,
        "issued_at_ms": START_MS,
        "expires_at_ms": START_MS + 60_000,
    }
    return Claims(user_id=user_id, scopes=frozenset(scopes), **values | changes)


async def refusal(school: House, said: Claims, act_as: str | None = None) -> str:
    with pytest.raises(Refused) as caught:
        await admit(school.context, said, act_as)
    assert caught.value.facts == {}
    return caught.value.code


async def test_a_known_person_comes_in(school: House) -> None:
    """Nobody could use the server."""
    identity = await admit(school.context, claims("anna"))
    assert identity.person
    assert identity.key == (TENANT, "anna")
    assert identity.caller.scopes == frozenset()


async def test_an_unknown_name_is_refused_and_not_created(school: House) -> None:
    """A token alone would make a person."""
    assert await refusal(school, claims("nobody")) == "unauthenticated"
    assert await refusal(school, claims("anna", tenant="x")) == "unauthenticated"
    assert await refusal(school, claims("nobody")) == "unauthenticated"


async def test_who_is_switched_off_stays_out(school: House) -> None:
    """A deactivated person would go on reading (ITS-2)."""
    await school.write(PutPerson("anna", "Anna", ("student",), active=False))
    assert await refusal(school, claims("anna")) == "unauthenticated"
    assert await refusal(school, claims("anna", "directory")) == "unauthenticated"


async def test_ending_sessions_refuses_older_tokens_at_once(school: House) -> None:
    """A stolen token would be good until it expires."""
    ended = await end_sessions(
        school.context, school.platform, EndSessions(user_id="anna")
    )
    assert ended.before == "2025-11-21T04:40:00.001Z"
    assert SessionsEnded(TENANT, "anna", START_MS + 1) in school.announced
    assert await refusal(school, claims("anna")) == "unauthenticated"
    assert await refusal(school, claims("anna", issued_at_ms=0)) == "unauthenticated"
    newer = claims("anna", issued_at_ms=START_MS + 1)
    assert (await admit(school.context, newer)).person
    assert (await admit(school.context, claims("ben"))).person


async def test_ending_the_sessions_of_nobody(school: House) -> None:
    """A platform would believe that somebody was sent away."""
    with pytest.raises(Refused, match="not_found"):
        await end_sessions(school.context, school.platform, EndSessions(user_id="x"))


async def test_a_service_needs_to_be_no_person(school: House) -> None:
    """A platform would need an account to write its rosters."""
    identity = await admit(school.context, claims("lms", "directory"))
    assert not identity.person
    assert identity.caller.scopes == {"directory"}
    assert await refusal(school, claims("lms", "admin", tenant="x")) == (
        "unauthenticated"
    )


async def test_operators_come_in_before_their_tenant_exists(school: House) -> None:
    """The first tenant could never be created, or anybody could create one."""
    for operates, granted in (
        ((EVERY_TENANT,), {"admin", "operator", "operator:*"}),
        (("new",), {"admin", "operator"}),
    ):
        said = claims("ops", "admin", tenant="new", operates=operates)
        assert (await admit(school.context, said)).caller.scopes == granted
    person = claims("anna", tenant="new", operates=(EVERY_TENANT,))
    assert await refusal(school, person) == "unauthenticated"


async def test_a_service_acts_for_a_person_and_as_no_more(school: House) -> None:
    """A platform could not post for its users, or would do so with its own scopes."""
    identity = await admit(school.context, claims("lms", "messages", "admin"), "ben")
    assert identity.acting
    assert identity.person
    assert identity.caller == Caller(TENANT, "ben")


async def test_acting_for_whom_one_may_not(school: House) -> None:
    """Somebody could act for others, or tell who exists."""
    service = claims("lms", "messages")
    assert await refusal(school, claims("anna"), "ben") == "forbidden"
    assert await refusal(school, claims("lms", "admin"), "ben") == "forbidden"
    assert await refusal(school, service, "nobody") == "not_found"
    await school.write(PutPerson("ben", "Ben", ("student",), active=False))
    assert await refusal(school, service, "ben") == "not_found"


async def test_a_newer_token_is_of_the_same_person(school: House) -> None:
    """A connection could change hands, or could not live on."""
    issuer = Issuer(None, ("HS256",), (EVERY_TENANT,), FixedKey(SECRET))
    sign_in = SignIn(school.context, Verifier((issuer,), school.clock))

    def token(user_id: str, *scopes: str) -> str:
        caller = Caller(TENANT, user_id, frozenset(scopes))
        return mint(Signer(SECRET), caller, school.clock.at_ms, 60)

    anna = await sign_in(token("anna"))
    school.clock.at_ms += 30_000
    newer = await sign_in.renew(token("anna"), anna)
    assert newer.expires_at_ms == START_MS + 90_000
    with pytest.raises(Refused, match="forbidden"):
        await sign_in.renew(token("ben"), anna)
    with pytest.raises(Refused, match="unauthenticated"):
        await sign_in.renew("garbage", anna)
    acting = await sign_in(token("lms", "messages"), "ben")
    assert (await sign_in.renew(token("lms", "messages"), acting)).user_id == "ben"
    with pytest.raises(Refused, match="forbidden"):
        await sign_in.renew(token("ben"), acting)
