"""One event for many connections: the right target for each, and nobody forgotten."""

import asyncio

from chatd.hub.parcels import RECIPIENTS_PER_TURN, Audience, send_to
from tests.hub.listeners import Stage, said


async def test_each_gets_it_on_the_target_it_asked_for(stage: Stage) -> None:
    """Clients would wait on a target where nothing ever comes."""
    audience = Audience()
    plain, single, other = (
        stage.ear("anna"),
        stage.ear("ben", events="single"),
        stage.ear("carl", events="all"),
    )
    for ear in (plain, single, other):
        audience.add(ear.connection)
    audience.send(said(1))
    await stage.quiet()
    assert plain.targets == other.targets == ["MessageCreated"]
    assert single.targets == ["Event"]
    assert plain.events == single.events


async def test_who_was_added_twice_gets_it_once(stage: Stage) -> None:
    """A connection that comes into a room by two ways would hear everything twice."""
    audience, ear = Audience(), stage.ear("anna")
    audience.add(ear.connection)
    audience.add(ear.connection)
    assert len(audience) == 1
    assert ear.connection in audience
    audience.send(said(1))
    audience.discard(ear.connection)
    audience.discard(ear.connection)
    audience.send(said(2))
    await stage.quiet()
    assert ear.seqs == [1]
    assert not audience
    assert ear.connection not in audience


async def test_who_goes_in_the_middle_harms_nobody(stage: Stage) -> None:
    """One client that leaves during a large delivery would stop it for the others."""
    audience = Audience()
    ears = [stage.ear(f"u{n}") for n in range(RECIPIENTS_PER_TURN * 2)]
    for ear in ears:
        audience.add(ear.connection)
    sending = asyncio.ensure_future(audience.send_in_turns(said(1)))
    await asyncio.sleep(0)  # one turn
    assert not sending.done()
    for ear in ears[::2]:
        ear.connection.close()
        audience.discard(ear.connection)
    await sending
    await stage.quiet()
    assert all(ear.seqs == [1] for ear in ears[1::2])


async def test_for_one(stage: Stage) -> None:
    """What only one connection needs would go to nobody, or on a wrong target."""
    single, gone = stage.ear("anna", events="single"), stage.ear("ben")
    gone.connection.close()
    send_to(single.connection, said(1))
    send_to(gone.connection, said(1))
    await stage.quiet()
    assert single.targets == ["Event"]
    assert gone.events == []
