"""What changed lately, whoever changed it: for gateways that may have missed a hint.

The databases count differently, and both exactly (`change_mark`, `settled_mark`): what
is committed after a look is in a later look, however long it was under way before.
What was in the last look may be in the next one again.
"""

from dataclasses import dataclass

from chatd.store.transaction import Row, Transaction


@dataclass(frozen=True, slots=True)
class Heads:
    """Positions and versions of what changed, as of one moment.

    `mark` is what the next look begins from; `now_ms` the database's clock, in
    milliseconds since 1970. Of a conversation there are (tenant, id, head position,
    version), of a person (tenant, id, personal position, version), of a tenant its id
    and the version of its policy.
    """

    mark: int
    now_ms: int
    conversations: tuple[tuple[str, str, int, int], ...] = ()
    people: tuple[tuple[str, str, int, int], ...] = ()
    tenants: tuple[tuple[str, int], ...] = ()


async def moved_since(tx: Transaction, mark: int) -> Heads:
    """What moved since the look that gave this mark; 0 asks for a mark alone."""
    rows = await tx.all("SELECT settled_mark(), database_ms()")
    ((settled, now_ms),) = rows
    if mark == 0:
        return Heads(settled, now_ms)
    conversations = await tx.all(
        "SELECT tenant, id, head_seq, version FROM conversation WHERE changed_in >= $1",
        mark,
    )
    people = await tx.all(
        "SELECT tenant, id, personal_seq, version FROM person WHERE changed_in >= $1",
        mark,
    )
    tenants = await tx.all(
        "SELECT id, version FROM tenant WHERE changed_in >= $1", mark
    )
    return Heads(
        settled,
        now_ms,
        tuple(map(_four, conversations)),
        tuple(map(_four, people)),
        tuple((row[0], row[1]) for row in tenants),
    )


def _four(row: Row) -> tuple[str, str, int, int]:
    return row[0], row[1], row[2], row[3]
