"""Which connections are found, by what, and for how long."""

import asyncio

from chatd.signalr.connections.connection import Connection
from tests.signalr.connections.parts import SHAKE, Parts, Wire, parts, settled


async def opened(made: Parts, wire: Wire) -> Connection:
    connection = made.connect(wire)
    await settled()
    wire.written.clear()
    return connection


async def heard(*wires: Wire) -> list[bool]:
    await asyncio.sleep(0)
    found = [bool(wire.written) for wire in wires]
    for wire in wires:
        wire.written.clear()
    return found


async def test_every_way_to_name_connections() -> None:
    """News would reach the wrong people, or not all of the right ones."""
    made, first, second = parts(), Wire(), Wire()
    one, _other = await opened(made, first), await opened(made, second)
    clients, groups = made.context.clients, made.context.groups
    clients.all().send("news")
    assert await heard(first, second) == [True, True]
    clients.connection(one.id).send("news")
    assert await heard(first, second) == [True, False]
    clients.user("anna").send("news")
    assert await heard(first, second) == [True, True]
    clients.user("ben").send("news")
    groups.add(one.id, "readers")
    groups.add("nobody", "readers")
    clients.group("readers").send("news")
    assert await heard(first, second) == [True, False]
    groups.remove(one.id, "readers")
    clients.group("readers").send("news")
    assert await heard(first, second) == [False, False]


async def test_whoever_has_gone_is_in_no_index() -> None:
    """Memory would grow with everybody who ever was here."""
    made, wire = parts(), Wire()
    connection = await opened(made, wire)
    made.context.groups.add(connection.id, "readers")
    connection.lost(None)
    clients = made.context.clients
    assert clients.get(connection.id) is None
    assert made.context.find(connection.token) is None
    for audience in (clients.all(), clients.user("anna"), clients.group("readers")):
        assert audience.connections() == []
    assert made.context.addresses.has_room(SHAKE.client)


async def test_a_receiver_that_ends_does_not_disturb_the_others() -> None:
    """A broadcast would stop at the first slow client."""
    made = parts(outbound_bytes=200_000)
    wires = [Wire() for _ in range(3)]
    slow, *_ = [await opened(made, wire) for wire in wires]
    wires[0].writable = False
    for _ in range(30):
        made.context.clients.all().send("news", "x" * 10_000)
    assert slow.closed
    assert len(made.context.clients.all().connections()) == 2
    assert await heard(*wires[1:]) == [True, True]


async def test_a_secret_is_not_an_id() -> None:
    """Whoever is told a connection's public id could take it over."""
    made = parts()
    connection = made.context.open(made.connect(Wire()).identity, SHAKE)
    assert made.context.find(connection.id) is None
    old = made.context.open(connection.identity, SHAKE, version=0)
    assert made.context.find(old.id) is old
