"""If these fail, readers of the contract do not find the names they expect."""

from chatd_protocol.export.schemas import schemas, summary

FOUND = schemas("#/{}".format)


def test_aliases_are_named_where_they_are_used() -> None:
    """The same union would be written out, under no name, in many places."""
    assert {"$ref": "#/ConversationKind"} in properties("Conversation").values()
    assert properties("ConversationEvents")["events"] == {
        "type": "array",
        "items": {"$ref": "#/LogEvent"},
    }


def test_tags_are_constants() -> None:
    """A reader could not tell events apart by their type."""
    assert properties("MessageCreated")["type"] == {"const": "message.created"}


def test_descriptions_come_from_docstrings_without_requirements() -> None:
    """Strangers would read numbers of requirements that they do not have."""
    assert not [name for name, schema in FOUND.items() if not schema["description"]]
    assert not [
        name for name, schema in FOUND.items() if "(ITS-" in str(schema["description"])
    ]


def test_a_field_named_title_stays() -> None:
    """Titles of conversations would be missing from the contract."""
    assert properties("Conversation")["title"] == {"type": "string"}


def test_the_hub_alone_knows_no_directory() -> None:
    """The hub's description would promise what only HTTP offers."""
    hub = schemas("#/{}".format, http=False)
    assert "PutUser" in FOUND
    assert "PutUser" not in hub
    assert set(hub) < set(FOUND)


def test_a_summary_is_one_line() -> None:
    """A table in the specification would break."""

    class Thing:
        """Something that
        goes on (ITS-1).

        And on.
        """

    assert summary(Thing) == "Something that goes on."


def properties(name: str) -> dict:
    found = FOUND[name]["properties"]
    assert isinstance(found, dict)
    return found
