"""A mass message as its sender sees it."""

from collections.abc import Sequence

from chatd.actions import presenting
from chatd.clock import rfc3339
from chatd.store import conversations, messages, people
from chatd.store.mass import jobs
from chatd.store.mass.jobs import MassRecord
from chatd.store.transaction import Transaction
from chatd_protocol.chat.objects import PersonName
from chatd_protocol.chat.social.mass import MassMessage


async def by_ids(
    tx: Transaction, tenant: str, ids: Sequence[str]
) -> dict[str, MassMessage]:
    """These as they are now; a few statements, however many."""
    found = await jobs.many(tx, tenant, ids)
    return await shown(tx, tenant, list(found.values()))


async def shown(
    tx: Transaction, tenant: str, records: Sequence[MassRecord]
) -> dict[str, MassMessage]:
    """These in the form of the contract, by their ids."""
    ids = [one.id for one in records]
    titles = await conversations.headings(tx, tenant, ids)
    whose = {one.organisation_id or one.sender_id for one in records}
    known = await people.many(tx, tenant, sorted(whose))
    lasts = await messages.many(tx, tenant, [one for _, one in titles.values() if one])
    made = {}
    for one in records:
        title, last = titles[one.id]
        sender = known[one.organisation_id or one.sender_id]
        said = lasts.get(last or "")
        made[one.id] = MassMessage(
            id=one.id,
            state=one.state,
            total=one.total,
            delivered=one.delivered,
            refused=one.refused,
            replies=one.reply_kind,
            title=title,
            created_at=rfc3339(one.created_at_ms),
            sender=PersonName(id=sender.id, name=sender.name),
            undo_until=rfc3339(one.due_ms) if one.state == "waiting" else None,
            ended_at=None if one.ended_at_ms is None else rfc3339(one.ended_at_ms),
            message=None if said is None else presenting.message(said),
        )
    return made
