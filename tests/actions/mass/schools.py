"""A school with units, and somebody who may send to many."""

from collections.abc import Sequence
from typing import Any

from chatd.actions import conversations
from chatd.actions.mass import sending
from chatd.actions.mass.delivering import Delivery
from chatd.domain.people import Details
from chatd.store.mass import jobs
from chatd.store.mass.jobs import DeliverMass, TakeMass
from chatd.store.people import PutPerson
from chatd.store.rosters import PutRoster, PutRosterMember
from chatd_protocol.chat import requests
from chatd_protocol.chat.objects import Conversation
from chatd_protocol.chat.requests import FirstMessage, Recipient
from chatd_protocol.chat.social.mass import (
    CancelMassMessage,
    ListMassMessages,
    MassMessage,
    PreviewAudience,
    SendMassMessage,
)
from tests.actions.deeds import fresh, who
from tests.support.house import House

UNITS = (
    ("region", None),
    ("north", "region"),
    ("north-a", "north"),
    ("south", "region"),
)
PLACES = {
    "anna": "north",
    "adam": "north",
    "gail": "north",
    "sue": "north",
    "tom": "north-a",
    "uma": "south",
}


async def furnish(school: House) -> None:
    """Anna of the unit north has the privilege; uma is elsewhere, zed nowhere."""
    await school.write(
        PutPerson("gail", "Gail", ("guardian", "teacher")),
        *(PutRoster("unit", id_, id_.title(), parent_id=up) for id_, up in UNITS),
        *(PutRosterMember("unit", at, id_, "member") for id_, at in PLACES.items()),
        # On the unit and on the one below: still one person.
        PutRosterMember("unit", "north", "tom", "member"),
    )
    await privileged(school, "anna")


async def privileged(school: House, *ids: str) -> None:
    granted = Details(privileges=("massMessaging", "bulkMessaging"))
    await school.write(
        *(PutPerson(id_, id_.title(), ("teacher",), details=granted) for id_ in ids)
    )


def named(*recipients: str) -> tuple[Recipient, ...]:
    """`unit:north`, `user:sue`."""
    pairs = [one.split(":") for one in recipients]
    return tuple(Recipient(kind=kind, id=id_) for kind, id_ in pairs)  # type: ignore[arg-type]


def counted(*recipients: str, roles: Sequence[str] = ()) -> PreviewAudience:
    return PreviewAudience(recipients=named(*recipients), roles=tuple(roles))  # type: ignore[arg-type]


async def send(
    school: House, sender: str, *recipients: str, **more: Any
) -> MassMessage:
    more.setdefault("client_request_id", fresh())
    more.setdefault("message", FirstMessage(text="School is closed."))
    request = SendMassMessage(recipients=named(*recipients), **more)
    return await sending.send(school.context, who(sender), request)


async def cancel(school: House, sender: str, id_: str) -> MassMessage:
    request = CancelMassMessage(mass_message_id=id_)
    return await sending.cancel(school.context, who(sender), request)


async def sent(school: House, sender: str) -> tuple[MassMessage, ...]:
    found = await sending.page(school.context, who(sender), ListMassMessages())
    return found.mass_messages


async def deliver(school: House, after_s: int = 5) -> None:
    """The time to undo goes by, and a gateway looks for work."""
    school.clock.at_ms += after_s * 1_000
    await Delivery(school.context).work()


async def begin(school: House) -> None:
    """The first two of them get it, and no more."""
    school.clock.at_ms += 5_000
    read, now_ms = school.context.store.read, school.clock.at_ms
    ((tenant, record),) = await read(jobs.due, now_ms, 9)
    first = await read(jobs.still, tenant, record.id, 2)
    part = DeliverMass(
        record.id, record.sender_id, "gateway", now_ms + 1, first, (), admitted=True
    )
    await school.write(TakeMass(record.id, "gateway", now_ms + 1))
    await school.write(part)


async def listed(school: House, reader: str) -> tuple[Conversation, ...]:
    asked = requests.ListConversations()
    page = await conversations.page(school.context, who(reader), asked)
    return page.conversations
