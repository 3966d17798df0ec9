"""Which server has which partition."""

import asyncio

from chatd.bus.redis.channels import PARTITIONS, slot_of, tags
from tests.bus.conftest import Open
from tests.bus.gateways import TENANT, Gateway
from tests.support.redis import RedisCluster, RedisServer
from tests.support.waiting import wait_until

PEOPLE = [f"p{number}" for number in range(40)]


def servers(gateway: Gateway) -> set[int]:
    """The ports of the servers that are in use."""
    nodes = [gateway.bus.topology.node(one) for one in range(PARTITIONS)]
    return {node.address.port for node in nodes if node is not None}


async def test_one_server_has_everything(redis: RedisServer, opening: Open) -> None:
    """A plain Redis would be used as a Cluster."""
    gateway = await opening(redis.url)
    await gateway.up()
    assert servers(gateway) == {redis.port}


async def test_a_cluster_is_heard_as_one(cluster: RedisCluster, opening: Open) -> None:
    """What is said on one node of a Cluster would not be heard on another."""
    ours, theirs = await opening(cluster.url), await opening(cluster.url)
    await theirs.following(*PEOPLE)
    await ours.up()
    assert servers(ours) == {node.port for node in cluster.nodes}
    for seq, person in enumerate(PEOPLE):
        ours.tell(person, seq)
    await wait_until(lambda: sorted(theirs.personal) == list(range(len(PEOPLE))))


async def test_a_slot_that_moves(cluster: RedisCluster, opening: Open) -> None:
    """After a Cluster was balanced anew, some conversations would stay silent."""
    ours, theirs = await opening(cluster.url), await opening(cluster.url)
    await theirs.following("anna")
    await ours.up()
    partition, _channel = ours.bus.channels.of("person", TENANT, "anna")
    node = theirs.bus.topology.node(partition)
    assert node is not None
    old = next(one for one in cluster.nodes if one.port == node.address.port)
    new = next(one for one in cluster.nodes if one is not old)
    slot, name = str(slot_of(tags()[partition])), new.command("CLUSTER", "MYID")
    theirs.doubts.clear()
    for one in (new, old):
        one.command("CLUSTER", "SETSLOT", slot, "NODE", name)
    new.command("CLUSTER", "BUMPEPOCH")

    def moved(gateway: Gateway) -> bool:
        now = gateway.bus.topology.node(partition)
        return now is not None and now.address.port == new.port

    await wait_until(lambda: moved(theirs) and theirs.follows("anna"), 60)
    assert "moved" in theirs.doubts
    await wait_until(lambda: moved(ours), 60)
    ours.tell("anna", 1)
    await theirs.hears(1)


async def test_one_node_that_is_gone(cluster: RedisCluster, opening: Open) -> None:
    """One dead node of a Cluster would silence the other two, or stay dead."""
    ours, theirs = await opening(cluster.url), await opening(cluster.url)
    await theirs.following(*PEOPLE)
    await ours.up()
    first = cluster.nodes[0]
    on_first = [
        person
        for person in PEOPLE
        if (partition := ours.bus.channels.of("person", TENANT, person)[0])
        and (node := ours.bus.topology.node(partition))
        and node.address.port == first.port
    ]
    others = [person for person in PEOPLE if person not in on_first]
    await asyncio.to_thread(first.kill)
    for person in others:
        ours.tell(person, 1)
    await wait_until(lambda: len(theirs.personal) == len(others))
    await wait_until(lambda: not ours.bus.topology.up and not theirs.bus.topology.up)
    await asyncio.to_thread(first.start)
    await wait_until(lambda: all(map(theirs.follows, PEOPLE)), 60)
    await ours.up()
    theirs.heard.clear()
    ours.tell(on_first[0], 2)
    await theirs.hears(2)
