"""Sending everybody away before the server goes: spread out, and not in mid-sentence.

Whoever is closed comes back at once, somewhere else; a whole school that did so in one
moment would be a storm of our own making. A client whose method runs is read no more
and closed when the method has answered.
"""

import asyncio
import math
from collections import deque
from collections.abc import Sequence
from typing import Final

from chatd.signalr.connections.connection import Connection
from chatd.signalr.registry import HubContext
from chatd.signalr.ticks import Wheel

CLOSES_PER_S_MIN: Final = 100
"""A small server has no use for its time: this many reconnects are no storm."""

TICK_S: Final = 0.05

Leaving = tuple[HubContext, Connection]


async def send_away(
    hubs: Sequence[HubContext], wheel: Wheel, over_s: float, finish_s: float
) -> None:
    """Close every connection with `allowReconnect`, evenly over `over_s` seconds.

    A method that runs has until `finish_s` seconds after that.
    """
    staying = deque((hub, one) for hub in hubs for one in hub.everyone())
    everybody, calling = len(staying), list[Leaving]()
    over_s = min(over_s, everybody / CLOSES_PER_S_MIN)
    began_s = wheel.now()
    while staying or calling:
        gone_s = wheel.now() - began_s
        share = 1.0 if gone_s + TICK_S >= over_s else (gone_s + TICK_S) / over_s
        while everybody - len(staying) < math.ceil(everybody * share):
            hub, connection = staying.popleft()
            hub.read_no_more(connection)
            calling.append((hub, connection))
        late = gone_s >= over_s + finish_s
        calling = [one for one in calling if not _closed(*one, late=late)]
        if staying or calling:
            await asyncio.sleep(TICK_S)


def _closed(hub: HubContext, connection: Connection, *, late: bool) -> bool:
    if hub.is_calling(connection) and not late:
        return False
    connection.close(allow_reconnect=True)
    return True
