"""What a store offers to whoever stands on it, whichever database is underneath."""

from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from chatd.store.change import Change, Committed
from chatd.store.transaction import Transaction

P = ParamSpec("P")
T = TypeVar("T")


class Store(Protocol):
    """The store of one process, made by `open_store`.

    `engine` names the folder of its migrations. `epoch` names the database; another
    one stands there after a restored backup.
    """

    engine: str
    epoch: str

    async def read(
        self,
        function: Callable[Concatenate[Transaction, P], Coroutine[Any, Any, T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a store function on one consistent snapshot.

        Raises:
            Refused: `storage_unavailable`.
        """

    async def commit(self, change: Change) -> Committed:
        """Return when the Change is on disk. Cancelling the caller does not undo it.

        Raises:
            Moved: a guard failed; decide again.
            AlreadyDone: the same request was carried out before.
            Refused: `idempotency_conflict`, `storage_unavailable`, `storage_full`,
                `overloaded`.
        """

    async def ready(self) -> bool:
        """Whether the database answers and takes writes: both are tried."""

    async def close(self) -> None:
        """Finish what is queued, then let the database go."""
