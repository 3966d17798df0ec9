"""If these fail, the canary would not notice that one place is left out of an erasure.

Each plant takes one step away; then the word has to be found. And what the policy keeps
no longer goes from every place where messages lie.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import get_args

import apsw
import pytest

from chatd.actions.content.sweeping import Sweeper
from chatd.actions.keeping import purging
from chatd.actions.keeping.purging import DAY_MS, Purger
from chatd.domain.conversations import Kind
from chatd.limits import Limits
from chatd.store.content import attachments, search
from chatd.store.keeping import erasing, evidence, vault
from chatd.store.reporting import filing
from tests.api.conftest import Api, asking
from tests.support.canary import (
    CANARY,
    Writer,
    empty_places,
    erase,
    found_in,
    write_everywhere,
)
from tests.support.files import files_at
from tests.support.house import TENANT


async def nothing(*_: object, **__: object) -> tuple[str, ...]:
    """A step that is left out; whoever asks it for something gets none."""
    return ()


def without(part: str) -> Callable[[pytest.MonkeyPatch], None]:
    """One statement of `erasing.OWN` less."""

    def plant(monkeypatch: pytest.MonkeyPatch) -> None:
        left = tuple(one for one in erasing.OWN if not one.startswith(part))
        assert len(left) == len(erasing.OWN) - 1
        monkeypatch.setattr(erasing, "OWN", left)

    return plant


def undone(module: object, name: str) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda monkeypatch: monkeypatch.setattr(module, name, nothing)


PLANTS = {
    "the person": without("UPDATE person SET"),
    "drafts": without("UPDATE conversation_person"),
    "keys of requests": without("DELETE FROM request"),
    "keys of messages": without("UPDATE message SET client_message_id"),
    "old titles": without("UPDATE conversation_title"),
    "titles": undone(erasing, "titled"),
    "what was said": undone(erasing, "said"),
    "what waits": undone(erasing, "waiting"),
    "uploads": undone(erasing, "uploads"),
    "the vault": undone(vault, "due"),
    "reports about the person": undone(filing, "purge"),
    "other evidence": undone(evidence, "redact"),
    "the index": undone(search, "drop"),
    "bytes that nothing has": undone(attachments, "doom_unused"),
    "bytes that are doomed": undone(Sweeper, "sweep"),
}


@asynccontextmanager
async def marked(folder: Path) -> AsyncIterator[tuple[Api, Writer]]:
    """A school in which Mark has put the word everywhere."""
    async with asking(folder, Limits()) as api:
        await api.house.people("adam", role="admin")

        def token(user: str, *scopes: str) -> str:
            # A second for each request, so that nobody asks too much at once.
            api.house.clock.at_ms += 1000
            return api.token(user, *scopes)

        ask = Writer(api.http, token, TENANT)
        await write_everywhere(ask)
        yield api, ask


async def swept(api: Api, folder: Path) -> None:
    depot = files_at(folder / "files").depot
    await Sweeper(api.house.context, depot).sweep()


async def erased(folder: Path, plant: Callable[[], None] | None = None) -> list[Path]:
    """Where the word is after Mark was erased and the database closed."""
    async with marked(folder) as (api, ask):
        if plant is not None:
            plant()
        await erase(ask)
        await swept(api, folder)
    return found_in(folder)


async def test_nothing_is_left(tmp_path: Path) -> None:
    """What the plants leave would be found for another reason."""
    assert await erased(tmp_path) == []


@pytest.mark.parametrize("plant", PLANTS)
async def test_a_place_that_is_left_out_is_found(
    plant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An erasure that forgets something would pass for a whole one."""
    assert await erased(tmp_path, lambda: PLANTS[plant](monkeypatch)) != []


async def test_what_lapsed_is_gone_from_every_place_of_messages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old words would be purged from the screen and not from the disk (ITS-77)."""
    monkeypatch.setattr(purging, "PAUSE_S", 0)
    async with marked(tmp_path) as (api, ask):
        kinds = get_args(Kind)
        await ask.policy(retainDays=dict.fromkeys(kinds, 1))
        api.house.clock.at_ms += 2 * DAY_MS
        done = await Purger(api.house.context).purge()
        await swept(api, tmp_path)
        database = apsw.Connection(str(tmp_path / "house.sqlite3"))

        async def look(sql: str) -> int:
            return len(database.execute(sql).fetchall())

        empty = await empty_places(look)
        made_up = f"client_message_id LIKE '{CANARY}%'"
        keys = await look(f"SELECT 1 FROM message WHERE {made_up}")
        of_reports = "message_id IN (SELECT id FROM report)"
        files = await look(f"SELECT 1 FROM attachment WHERE NOT {of_reports}")
        database.close()
    assert done.messages > 10
    assert (keys, files) == (0, 0)
    of_messages = {"message", "held_message", "search_entry", "vault", "vault_file"}
    assert {place.split(".")[0] for place in empty} >= of_messages
    # What is kept with a report stays as long as the report does.
    assert len(found_in(tmp_path / "files")) == 1
