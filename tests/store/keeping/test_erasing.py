"""If these fail, something of a person is left that everybody was told is gone
(MOO-91).

That nothing is left at all is tried byte by byte in tests/end_to_end/test_canary.py.
"""

from dataclasses import replace

import pytest

from chatd.domain.messages import Forwarded
from chatd.store import conversations, people
from chatd.store.between import acquaintances
from chatd.store.between.acquaintances import SetBlock, SetContact
from chatd.store.content.attachments import Attach
from chatd.store.conversations import Rename
from chatd.store.keeping import erasing
from chatd.store.keeping.erasing import ErasePerson
from chatd.store.people import PutPerson
from chatd.store.personal import SetMarks
from chatd.store.upkeep.erasures import Erasure, erase_again
from tests.store.filing import upload, with_files
from tests.store.shelf import TENANT, Shelf, said


async def test_the_person_is_a_nameless_row(shelf: Shelf) -> None:
    """A name, an address or a draft would be left; or a conversation would break."""
    await shelf.write(
        PutPerson("ada", "Ada", ("teacher",), "Dr", "ada@x.org", "https://x/a.png"),
        SetMarks("talk", "ada", muted=True, starred=True, archived=True, draft="dear"),
        SetContact("ada", "ben", "accepted"),
        SetContact("cleo", "ada", "sent"),
        SetBlock("dan", "ada", blocked=True),
    )
    await shelf.write(ErasePerson("ada"))
    person = await shelf.store.read(people.get, TENANT, "ada")
    assert person is not None
    assert (person.name, person.title, person.email, person.avatar_url) == (
        "",
        None,
        None,
        None,
    )
    assert not person.active
    assert person.details.deleted
    for other in ("ben", "cleo"):
        half = await shelf.store.read(acquaintances.one, TENANT, other, "ada")
        assert half.contact == "none"
    assert (await shelf.store.read(acquaintances.one, TENANT, "dan", "ada")).blocked


async def test_titles_that_the_person_gave(shelf: Shelf) -> None:
    """A title may say as much as a message; a course's is the school's own."""
    await shelf.write(Rename("talk", "Ada's secret", "ada"))
    await shelf.talk("hers", "ada", "ben")
    await shelf.talk("bens", "ben", "ada")
    await shelf.write(Rename("bens", "A first", "ada"), Rename("bens", "B", "ben"))
    assert set(await shelf.store.read(erasing.titled, TENANT, "ada")) == {
        "talk",
        "hers",
    }
    await shelf.write(ErasePerson("ada", ("hers", "talk")))
    for id_, title in (("talk", ""), ("hers", ""), ("bens", "B")):
        record = await shelf.store.read(conversations.record, TENANT, id_)
        assert record is not None
        assert record.title == title


async def test_what_the_person_said_wherever_it_went(shelf: Shelf) -> None:
    """Words would live on in what others forwarded of them."""
    own, seq = await shelf.say("ada", "mine")
    await shelf.say("ben", "his")
    copy = replace(said("ben", "mine"), forwarded=Forwarded(own, "ada", "Ada", 1))
    await shelf.write(copy)
    found = await shelf.store.read(erasing.said, TENANT, "ada", 9)
    assert found == [(copy.id, "talk", True), (own, "talk", False)]
    assert len(await shelf.store.read(erasing.said, TENANT, "ada", 1)) == 1
    await upload(shelf, "f")
    await upload(shelf, "g")
    await shelf.write(with_files("ada", Attach("f")))
    assert await shelf.store.read(erasing.uploads, TENANT, "ada") == ("g",)
    assert seq == 2


@pytest.mark.engines("sqlite")
async def test_a_restore_erases_again(shelf: Shelf) -> None:
    """A backup would bring a person back who had asked to be forgotten."""
    one = Erasure(TENANT, "person", "ada", {}, 1)
    nobody = Erasure(TENANT, "person", "nobody", {}, 1)
    assert await erase_again(shelf.store, [one, nobody]) == 1
    person = await shelf.store.read(people.get, TENANT, "ada")
    assert person is not None
    assert person.name == ""
