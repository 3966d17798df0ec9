"""The replay vectors, played to the replica of the Python client."""

import itertools
import json
from pathlib import Path

import msgspec
import pytest

from chatd_client.replica import Replica
from chatd_protocol.chat.events import Event
from chatd_protocol.chat.objects import Conversation, Person, Preferences
from chatd_protocol.chat.results import Me, Synced

FILE = Path(__file__).parents[2] / "protocol" / "vectors" / "replay" / "replica.jsonl"
ROWS: list[dict] = [json.loads(line) for line in FILE.read_text("utf-8").splitlines()]


def started(row: dict) -> Replica:
    replica = Replica()
    me = Me(
        person=Person(id="anna", name="Anna", roles=("teacher",), tenant="demo"),
        preferences=Preferences(enter_sends=False),
        features=(),
        limits={},
        personal_seq=row["personalSeq"],
        epoch="e1",
    )
    rooms = msgspec.convert(row["conversations"], list[Conversation])
    replica.baseline(me, rooms)
    return replica


def play(replica: Replica, step: dict) -> None:
    now_s = step.get("atMs", 0) / 1000
    match step:
        case {"event": event}:
            replica.offer(msgspec.convert(event, Event), now_s)
        case {"connect": True}:
            replica.begin()
        case {"synced": answer}:
            replica.absorb(msgspec.convert(answer, Synced), now_s)
        case {"live": True}:
            replica.finish(now_s)
        case {"askFor": wanted}:
            assert sorted(replica.overdue(now_s).behind) == wanted


def check(replica: Replica, expected: dict[str, dict]) -> None:
    assert set(replica.rooms) == set(expected)
    for name, wanted in expected.items():
        room = replica.rooms[name]
        messages = [
            [seq, room.messages[seq].message.text] for seq in sorted(room.messages)
        ]
        found = {
            "cursor": room.cursor,
            "messages": messages,
            "readSeq": room.facts.read_seq,
            "title": room.facts.title,
            "member": room.facts.member,
        }
        assert {key: found[key] for key in wanted} == wanted


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_replay(row: dict) -> None:
    """A client would miss something, or show it twice or out of order."""
    replica = started(row)
    for step in row["steps"]:
        play(replica, step)
    check(replica, row["expected"])


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.get("anyOrder")], ids=lambda row: row["name"]
)
def test_replay_in_any_order(row: dict) -> None:
    """What a client shows would depend on the order of arrival."""
    for order in itertools.permutations(row["steps"]):
        replica = started(row)
        for step in order:
            play(replica, step)
            play(replica, step)
        check(replica, row["expected"])
