"""Names in Redis: one prefix per deployment, and 128 partitions for the channels.

A partition's channels share a hash tag and hence a slot: they move together, and one
command can subscribe to hundreds of them. The tags are chosen so that slot n * 128 to
n * 128 + 127 holds exactly partition n: however a Cluster divides its slots, each node
gets its share of the partitions.
"""

import binascii
import hashlib
import zlib
from functools import cache
from itertools import count
from typing import Final

from chatd.bus.interface import Kind

PARTITIONS: Final = 128
SLOTS: Final = 16_384
"""Of every Redis Cluster: its specification, "Key distribution model"."""

_LETTERS: Final[dict[Kind, str]] = {
    "conversation": "c",
    "person": "p",
    "presence": "o",
}


@cache
def tags() -> tuple[str, ...]:
    """The hash tag of each partition."""
    found: dict[int, str] = {}
    for number in count():
        tag = str(number)
        found.setdefault(slot_of(tag) * PARTITIONS // SLOTS, tag)
        if len(found) == PARTITIONS:
            return tuple(found[partition] for partition in range(PARTITIONS))
    raise AssertionError


def slot_of(tag: str) -> int:
    """The slot of everything with this hash tag: its CRC16 (XMODEM) modulo 16,384."""
    return binascii.crc_hqx(tag.encode(), 0) % SLOTS


class Channels:
    """The names of one deployment, which is who shares a secret."""

    def __init__(self, secret: bytes) -> None:
        name = hashlib.blake2b(secret, digest_size=6, person=b"redis prefix")
        self.prefix = f"chatd:{name.hexdigest()}:"
        self._heads = [f"{self.prefix}{{{tag}}}" for tag in tags()]

    def of(self, kind: Kind, tenant: str, id_: str) -> tuple[int, bytes]:
        """The partition and the channel of a conversation or a person."""
        # The length keeps ("a:b", "c") and ("a", "b:c") apart.
        name = f"{_LETTERS[kind]}{len(tenant)}:{tenant}:{id_}".encode()
        partition = zlib.crc32(name) % PARTITIONS
        return partition, self._heads[partition].encode() + name

    def of_everyone(self, tenant: str) -> tuple[int, bytes]:
        """The partition and the channel that every gateway hears for a tenant."""
        partition = zlib.crc32(tenant.encode()) % PARTITIONS
        return partition, self.everyone(partition)

    def everyone(self, partition: int) -> bytes:
        """The channel of a partition that every gateway hears."""
        return f"{self._heads[partition]}all".encode()

    def probe(self, partition: int, gateway: bytes) -> bytes:
        """The channel by which a gateway hears itself."""
        return f"{self._heads[partition]}probe:{gateway.hex()}".encode()

    def key(self, name: str, tenant: str, id_: str) -> tuple[int, bytes]:
        """The partition and the key of something kept for somebody for a while."""
        told = f"{name}{len(tenant)}:{tenant}:{id_}".encode()
        partition = zlib.crc32(told) % PARTITIONS
        return partition, self._heads[partition].encode() + told
