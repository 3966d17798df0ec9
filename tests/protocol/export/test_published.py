"""Which files are generated, and whether they are fresh."""

import json

import pytest

from chatd_protocol.export.published import DOCUMENTS, generated, published, stale


def test_all_documents_are_published_and_fresh() -> None:
    """The server would serve another contract than it obeys."""
    assert stale() == []
    texts = generated()
    for path, text in texts.items():
        assert published(path.name).decode() == text
    assert {path.name for path in texts} == set(DOCUMENTS)


def test_json_documents_are_json() -> None:
    """A client would be served something it cannot parse."""
    for name in DOCUMENTS:
        if name.endswith(".json"):
            assert isinstance(json.loads(published(name)), dict)


def test_other_documents_do_not_exist() -> None:
    """A wrong name would be answered with an empty document."""
    with pytest.raises(FileNotFoundError):
        published("soap.wsdl")
