import asyncio
from collections import deque
from dataclasses import replace

import asyncpg
import pytest

from chatd.domain.messages import Forwarded
from chatd.store.change import AlreadyDone, Change, Committed, Guard, Key, Moved
from chatd.store.content.attachments import Attach
from chatd.store.conversations import Rename
from chatd.store.engine.answering import Waiting
from chatd.store.engine.postgres.batches import (
    ROWS_MAX,
    pick_others,
    pick_sends,
    send_of,
)
from chatd.store.engine.postgres.locks import touched
from chatd.store.keeping import vault
from chatd.store.keeping.holds import SetHold, Unheld
from chatd.store.keeping.vault import EmptyVault
from chatd.store.members import Join, NewMember, Part
from chatd.store.messages import EditMessage
from tests.store.filing import with_files
from tests.store.shelf import TENANT, Shelf, said

SEND = said("ada")
ORIGIN = Forwarded("m", "ben", "Ben", 1)
KEY = Key("ada", "once", b"digest")


def queued(*changes: Change) -> deque[Waiting]:
    loop = asyncio.get_running_loop()
    return deque(Waiting(one, loop.create_future(), 0) for one in changes)


@pytest.mark.parametrize(
    ("change", "alone"),
    [
        (Change(TENANT, 1, (SEND,)), True),
        (Change(TENANT, 1, (SEND,), (Guard("conversation", "talk", 1),)), True),
        (Change(TENANT, 1, (SEND,), (Guard("person", "ben", 1),)), True),
        (Change(TENANT, 1, (SEND,), (Guard("conversation", "other", 1),)), False),
        (Change(TENANT, 1, (SEND,), (Guard("tenant", TENANT, 1),)), True),
        (Change(TENANT, 1, (SEND,), (Guard("roster", "course:m", 1),)), False),
        (Change(TENANT, 1, (SEND,), key=KEY), False),
        (Change(TENANT, 1, (SEND, said("ada"))), False),
        (Change(TENANT, 1, (replace(SEND, forwarded=ORIGIN),)), False),
        (Change(TENANT, 1, (with_files("ada", Attach("f")),)), False),
        (Change(TENANT, 1, (Rename("talk", "Other", "ada"),)), False),
        (Change(TENANT, 1, ()), False),
    ],
)
def test_what_is_nothing_but_a_send(change: Change, alone: bool) -> None:
    """What a Change asks for besides its message would be forgotten."""
    assert (send_of(change) is not None) == alone


async def test_repeats_come_in_a_later_batch() -> None:
    """A message would be written twice, or its repeat fail for everybody around it."""
    first, again, other = (
        Change(TENANT, 1, (said(author, client_id="mine"),))
        for author in ("ada", "ada", "ben")
    )
    elsewhere = Change("another", 1, (said("ada", client_id="mine"),))
    queue = queued(first, again, again, other, elsewhere)
    batches = [[one.change for one in pick_sends(queue)] for _ in range(3)]
    assert batches == [[first, other, elsewhere], [again], [again]]
    assert not queue


async def test_a_big_change_goes_alone() -> None:
    """Everybody would wait while a thousand people are taken in."""
    small = Change(TENANT, 1, (Part("talk", ("ada",), None),))
    crowd = tuple(NewMember(str(number)) for number in range(1000))
    big = Change(TENANT, 1, (Join("talk", crowd, None),))
    queue = queued(*[small] * 100, big, small)
    batches = []
    while queue:
        batches.append([one.change for one in pick_others(queue)])
    assert sum(len(batch) for batch in batches) == 102
    assert [big] in batches
    for batch in batches:
        rows = sum(1 + len(touched(change)) for change in batch)
        assert len(batch) == 1 or rows <= ROWS_MAX


@pytest.mark.engines("postgres")
async def test_sends_together_are_each_decided_for_themselves(shelf: Shelf) -> None:
    """One send that may not be would take its neighbours with it, or pass with them."""
    await shelf.talk("second", "ada", "ben")
    await shelf.write(said("cleo", client_id="known"))
    at = shelf.clock.at_ms
    stale = (Guard("conversation", "talk", 7),)
    sends = {
        "first": Change(TENANT, at, (said("ada"),)),
        "moved": Change(TENANT, at, (said("ada"),), stale),
        "person": Change(TENANT, at, (said("ada"),), (Guard("person", "ada", 7),)),
        "rules": Change(TENANT, at, (said("ada"),), (Guard("tenant", TENANT, 7),)),
        "again": Change(TENANT, at, (said("cleo", client_id="known"),)),
        "nowhere": Change(TENANT, at, (said("ada", to="no such"),)),
        "nul": Change(TENANT, at, (said("ada", "\0"),)),
        "last": Change(TENANT, at, (said("ben"),)),
        "aside": Change(TENANT, at, (said("ben", to="second"),)),
    }
    done = dict(
        zip(
            sends,
            await asyncio.gather(
                *(shelf.store.commit(one) for one in sends.values()),
                return_exceptions=True,
            ),
            strict=True,
        )
    )
    seqs = {n: one.seqs for n, one in done.items() if isinstance(one, Committed)}
    assert seqs == {"first": (3,), "last": (4,), "aside": (2,)}
    assert {name: type(done[name]) for name in sends if name not in seqs} == {
        "moved": Moved,
        "person": Moved,
        "rules": Moved,
        "again": AlreadyDone,
        "nowhere": LookupError,
        "nul": asyncpg.CharacterNotInRepertoireError,
    }


@pytest.mark.engines("postgres")
async def test_what_was_begun_is_undone(shelf: Shelf) -> None:
    """Half of a Change would be on disk, by which something is lost that is on hold."""
    id_, _ = await shelf.say("ada", "evidence")
    edit = EditMessage(id_, "talk", "ada", "new", None, None, keep_days=30)
    await shelf.write(edit)
    due = await shelf.store.read(vault.due, TENANT, before_ms=2**53, limit=9)
    await shelf.write(SetHold("case", "person", "ben", "lead"))
    half = shelf.change(EmptyVault(due), Unheld("ben"))
    whole = shelf.change(Rename("talk", "Other", "ada"))
    done = await asyncio.gather(
        shelf.store.commit(half), shelf.store.commit(whole), return_exceptions=True
    )
    assert isinstance(done[0], Moved)
    assert not isinstance(done[1], BaseException)
    kept = await shelf.store.read(vault.due, TENANT, before_ms=2**53, limit=9)
    assert kept == due
