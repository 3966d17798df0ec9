"""If these fail, `--limit pageItems` is a promise that nobody keeps."""

from chatd.actions.basis.bounds import bounded
from chatd.limits import Limits
from chatd_protocol.chat.requests import GetMe, ListMessages, Sync

FEW = Limits(page_items=10)


def test_a_page_within_the_bound() -> None:
    """A client would get another page than it asked for, or fail without one."""
    for request in (ListMessages(conversation_id="c", limit=10), GetMe()):
        assert bounded(request, FEW) is request


def test_a_page_beyond_it() -> None:
    """One call could read more than the installation allows."""
    asked = ListMessages(conversation_id="c", limit=11, before=5)
    assert bounded(asked, FEW) == ListMessages(conversation_id="c", limit=10, before=5)
    assert bounded(Sync(cursors={}), FEW).limit == 10
