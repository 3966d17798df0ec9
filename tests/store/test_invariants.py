import pytest

from chatd.store.content.attachments import Attach
from tests.store.filing import upload, with_files
from tests.store.invariants import BROKEN, broken_rules, check_database
from tests.store.shelf import shelf_at
from tests.support.databases import execute

DAMAGE = {
    "a log has a hole": "DELETE FROM log WHERE seq = 2",
    "head_seq is not the last of the log": "UPDATE conversation SET head_seq = 9",
    "a log without its conversation": "DELETE FROM conversation",
    "a message is not where its log row is": "UPDATE message SET seq = seq + 10",
    "a log row without its message": "DELETE FROM message",
    "last_event_seq is not the message's last row": (
        "UPDATE message SET last_event_seq = 1"
    ),
    "a removed message has content": "UPDATE message SET removed_at_ms = 1",
    "a file is not in exactly the message that shows it": (
        "UPDATE attachment SET message_id = 'other'"
    ),
    "bytes are doomed that a file needs": (
        "INSERT INTO doomed_blob SELECT tenant, blob, 0 FROM attachment"
    ),
    "a tenant's usage is not what its files take": (
        "UPDATE attachment_usage SET bytes = 1"
    ),
    "participant_count is not the number of open stays": (
        "UPDATE conversation SET participant_count = 9"
    ),
    "somebody stays twice at once": (
        "INSERT INTO membership VALUES ('school', 'talk', 'ada', 2, NULL)"
    ),
    "a guest takes part": (
        "INSERT INTO membership VALUES ('school', 'talk', 'ada', 0, NULL)"
    ),
    "a stay ends before it begins, or beyond the log": (
        "UPDATE membership SET left_seq = 0"
    ),
    "member is not whether there is an open stay": (
        "UPDATE conversation_person SET member = 0"
    ),
    "read beyond the log": "UPDATE conversation_person SET read_seq = 9",
    "a person's own row is ahead of the person": "UPDATE person SET personal_seq = 0",
    "a title is not the last one noted": "UPDATE conversation SET title = 'Other'",
}


@pytest.mark.parametrize("rule", BROKEN)
async def test_every_rule_finds_its_damage(database: str, rule: str) -> None:
    """Tests that look at the whole database would pass whatever is in it."""
    async with shelf_at(database) as shelf:
        await shelf.people("ada")
        await shelf.talk("talk", "ada")
        await shelf.say("ada")
        await shelf.say("ada")
        await upload(shelf, "file")
        await shelf.write(with_files("ada", Attach("file")))
    await check_database(database)
    await execute(database, DAMAGE[rule])
    assert rule in await broken_rules(database)
