import asyncio

import pytest

from chatd.store.transaction import drive, placeholders


async def seven() -> int:
    return 7


async def refusing() -> int:
    raise LookupError("refused")


async def sleeping() -> None:
    await asyncio.sleep(0)


def test_driven_to_the_end() -> None:
    """A store function would not run on a thread without a loop."""
    assert drive(seven()) == 7
    with pytest.raises(LookupError, match="refused"):
        drive(refusing())


def test_only_the_transaction_may_be_awaited() -> None:
    """A store function that waits for something else would stop half way unnoticed."""
    with pytest.raises(RuntimeError, match="beyond its transaction"):
        drive(sleeping())


def test_placeholders() -> None:
    """A list of values would be bound to the wrong places."""
    assert placeholders(3, 3) == "$3, $4, $5"
    assert placeholders(1, 0) == ""
