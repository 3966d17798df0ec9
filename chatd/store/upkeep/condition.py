"""Whether a running server and its database still fit each other.

Both can move under a running server: a newer release may migrate the database, and an
operator may put another database in its place.
"""

from chatd.store.transaction import Transaction


async def fits(tx: Transaction, known: int, epoch: str) -> bool:
    """Whether code that knows `known` migrations, started on `epoch`, may go on."""
    said: dict[str, str] = dict(await tx.all("SELECT name, value FROM meta"))
    return int(said["compatible_with"]) <= known and said["epoch"] == epoch
