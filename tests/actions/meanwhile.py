"""What somebody else does in the moment between a deed's decision and its commit."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

from chatd.actions.basis.context import Context
from chatd.store.change import Change, Committed
from chatd.store.engine.interface import Store


@dataclass
class _Late:
    """The same store, but that a deed is done before the first Change of a kind."""

    store: Store
    write: type
    deed: Callable[[], Coroutine[Any, Any, object]]
    done: bool = False

    async def commit(self, change: Change) -> Committed:
        if not self.done and any(isinstance(w, self.write) for w in change.writes):
            self.done = True
            await self.deed()
        return await self.store.commit(change)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


def just_before(
    context: Context, write: type, deed: Callable[[], Coroutine[Any, Any, object]]
) -> Context:
    """A context in which `deed` comes just before the first `write` is committed."""
    return replace(context, store=_Late(context.store, write, deed))
