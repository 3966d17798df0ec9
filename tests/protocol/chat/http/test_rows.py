"""If these fail, a field of a request is looked for in the wrong place."""

from chatd_protocol.chat.http.rows import RouteRow
from chatd_protocol.chat.routes import ROUTES


def by_name(name: str) -> RouteRow:
    return next(row for row in ROUTES if row.name == name)


def test_fields_come_from_path_key_query_and_body() -> None:
    """A caller could not know where to put what."""
    assert by_name("sendMessage").places() == {
        "conversationId": "path",
        "clientMessageId": "key",
        "text": "body",
        "attachmentIds": "body",
        "replyToId": "body",
    }
    assert by_name("deleteMessage").places() == {"messageId": "path", "scope": "query"}


def test_nothing_to_say_is_204() -> None:
    """An empty object would be sent where no body is meant."""
    assert by_name("leaveConversation").status == 204
    assert by_name("sendMessage").status == 200
