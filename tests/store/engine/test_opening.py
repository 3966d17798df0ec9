import pytest

from chatd.store.engine.migrating import SchemaError
from chatd.store.engine.opening import open_store
from tests.store.shelf import Shelf
from tests.support.databases import is_postgres
from tests.support.house import HandClock


async def test_the_address_says_which_engine(shelf: Shelf) -> None:
    """An installation would write into another database than the one it names."""
    assert shelf.store.engine == ("postgres" if is_postgres(shelf.url) else "sqlite")


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////dev/null/chat.sqlite3",
        "postgresql://nobody@127.0.0.1:1/none",
        "postgresql://nobody@127.0.0.1:port/none",
        "postgres://no-such-host.invalid/none",
    ],
)
async def test_an_address_where_nothing_is(url: str) -> None:
    """A mistyped address would end in a traceback, or in an empty database."""
    with pytest.raises(SchemaError):
        await open_store(url, clock=HandClock(), on_committed=lambda _: None)
