"""If these fail, a report tells what an erased person said, or a case is lost.

MOO-91: erasure reaches what was kept with reports.
"""

import orjson

from chatd.store.keeping.erasing import ErasePerson
from chatd.store.reporting.filing import FileReport
from chatd.store.transaction import Row, Transaction
from tests.store.shelf import TENANT, Shelf


def message(author: str, text: str, **more: object) -> dict[str, object]:
    return {
        "id": f"m-{author}",
        "author": {"id": author, "name": author.title()},
        "text": text,
        **more,
    }


def report(id_: str, reporter: str, author: str, *said: object) -> FileReport:
    return FileReport(
        id=id_,
        case_id=f"case-{id_}",
        reporter_id=reporter,
        conversation_id="talk",
        message_id=f"m-{id_}",
        author_id=author,
        destination="",
        reason="bullying",
        text=f"says {reporter}",
        evidence_json=orjson.dumps(said).decode(),
    )


async def test_what_is_left_of_reports(shelf: Shelf) -> None:
    """Erasing one person would erase what others need, or leave what is theirs."""
    origin = {"author": {"id": "ada", "name": "Ada"}, "createdAt": "x"}
    await shelf.write(
        report("about-her", "ben", "ada", message("ada", "mine")),
        report("by-her", "ada", "ben", message("ben", "his"), message("ada", "mine")),
        report("beside", "cleo", "ben", message("ben", "hers", forwardedFrom=origin)),
    )
    await shelf.write(ErasePerson("ada"))

    async def left(sql: str) -> dict[str, str | None]:
        async def look(tx: Transaction) -> list[Row]:
            return await tx.all(sql, TENANT)

        return dict(await shelf.store.read(look))

    assert await left("SELECT id, text FROM report WHERE tenant = $1") == {
        "about-her": None,
        "by-her": None,
        "beside": "says cleo",
    }
    kept = await left(
        "SELECT report_id, evidence_json FROM report_evidence WHERE tenant = $1"
    )
    found = {id_: orjson.loads(str(text)) for id_, text in kept.items()}
    assert found == {
        "by-her": [
            message("ben", "his"),
            {"id": "m-ada", "author": {"id": "ada", "name": ""}},
        ],
        "beside": [{"id": "m-ben", "author": {"id": "ben", "name": "Ben"}}],
    }
