"""Ports that are kept, tried with sockets that would take them."""

import socket

import pytest

from tests.support.ports import CLUSTER_BUS, Port, cluster_ports


def test_a_kept_port_is_for_who_names_it() -> None:
    """A server that a test restarts would find its port taken now and then."""
    kept = Port()
    address = ("127.0.0.1", kept.number)
    with socket.socket() as client:
        assert client.connect_ex(address) != 0, "nobody listens"
    for _ in range(2):
        with socket.create_server(address), socket.socket() as client:
            assert client.connect_ex(address) == 0
    with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
        stranger.bind(address)


def test_a_node_of_a_cluster_has_two() -> None:
    """The nodes of a Cluster would not find each other now and then."""
    port, bus = cluster_ports()
    assert bus.number == port.number + CLUSTER_BUS
