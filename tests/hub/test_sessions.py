"""How long a connection lives: to its token's end, a newer one's, or an ending."""

import asyncio
import time

import httpx2

from chatd.store.people import PutPerson
from tests.hub.peers import TENANT, House

LIFE_S = 4
"""Of a token that ends in a test: longer than coming in takes on a slow machine."""

ENDING_S = 5.0
"""Contract, Identity: an ending holds everywhere within this time."""


async def test_the_tokens_end_closes(school: House) -> None:
    """A connection would outlive its token, a day later or a year."""
    anna = await school.join("anna", exp=time.time() + LIFE_S)
    closing = await anna.end()
    assert closing["error"].startswith("unauthenticated: ")
    assert "allowReconnect" not in closing


async def test_the_coming_end_is_told(school: House) -> None:
    """A client could not bring a newer token in time."""
    long = await school.join("anna")
    short = await school.join("anna", exp=time.time() + 30)
    hint = await short.event("token.expiring")
    assert hint["expiresAt"] > hint["at"]
    assert "seq" not in hint
    assert long.events() == []


async def test_a_newer_token_keeps_it(school: House) -> None:
    """Everybody would be interrupted whenever a token ends."""
    anna = await school.join("anna", exp=time.time() + LIFE_S)
    answer = await anna.call("RefreshToken", token=school.token("anna"))
    assert answer["expiresAt"].endswith("Z")
    other = await school.join("ben", exp=time.time() + LIFE_S)
    await other.end()
    assert not anna.ended.is_set()
    assert (await anna.call("GetMe"))["person"]["id"] == "anna"


async def test_somebody_elses_token(school: House) -> None:
    """A connection would go on under another name."""
    anna = await school.join("anna")
    await school.write(PutPerson("lms", "A person", ("student",)))
    for token, code in (
        (school.token("ben"), "forbidden"),
        (school.token("anna", tenant="another"), "unauthenticated"),
        (school.token("anna", exp=1), "unauthenticated"),
        ("nonsense", "unauthenticated"),
    ):
        assert (await anna.refusal("RefreshToken", {"token": token})).code == code
    assert (await anna.call("GetMe"))["person"]["id"] == "anna"


async def test_ending_a_persons_sessions(school: House) -> None:
    """Who is sent away would read on."""
    devices = [await school.join("anna") for _ in range(3)]
    ben = await school.join("ben")
    service = {"Authorization": f"Bearer {school.token('lms', scope='admin')}"}
    async with httpx2.AsyncClient(base_url=school.url, headers=service) as http:
        answer = await http.delete("/v1/users/anna/sessions")
    assert answer.status_code == 200
    async with asyncio.timeout(ENDING_S):
        for device in devices:
            closing = await device.end()
            assert closing["error"].startswith("unauthenticated: ")
    assert not ben.ended.is_set()
    # A token that was made later is good again.
    later = await school.join("anna", iat=time.time() + 1)
    assert not later.ended.is_set()


async def test_switching_a_person_off(school: House) -> None:
    """Who has left the school would read on."""
    anna = await school.join("anna")
    service = {"Authorization": f"Bearer {school.token('lms', scope='directory')}"}
    person = {"name": "Anna", "roles": ["student"], "active": False}
    async with httpx2.AsyncClient(base_url=school.url, headers=service) as http:
        answer = await http.put("/v1/users/anna", json=person)
    assert answer.is_success
    async with asyncio.timeout(ENDING_S):
        closing = await anna.end()
    assert closing["error"].startswith("unauthenticated: ")


async def test_a_newer_token_survives_the_ending_of_older_ones(school: House) -> None:
    """Ending yesterday's sessions would end those of today."""
    anna = await school.join("anna")
    newer = await school.join("anna", iat=time.time() + 20)
    service = {"Authorization": f"Bearer {school.token('lms', scope='admin')}"}
    async with httpx2.AsyncClient(base_url=school.url, headers=service) as http:
        await http.delete("/v1/users/anna/sessions")
    await anna.end()
    assert (await newer.call("GetMe"))["person"]["id"] == "anna"
    assert school.installation.chat._rooms.people.keys() == {(TENANT, "anna")}
