"""Contacts and blocks: requests, and what they are answered with."""

from typing import Literal

from chatd_protocol.chat.base import Id, PageLimit, Request, Shape, Timestamp
from chatd_protocol.chat.objects import Participant
from chatd_protocol.chat.requests import Cursor

ContactState = Literal["none", "sent", "received", "accepted"]
"""As I see it: `sent`: I asked; `received`: they ask."""


class RequestContact(Request):
    """Ask somebody to be my contact; a yes if they have asked me."""

    user_id: Id


class AcceptContact(Request):
    """Say yes to a request."""

    user_id: Id


class DeclineContact(Request):
    """Say no to a request."""

    user_id: Id


class RemoveContact(Request):
    """Be contacts no longer, or take my request back."""

    user_id: Id


class ChangeContact(Request):
    """The same over HTTP, by the deed's name."""

    user_id: Id
    deed: Literal["request", "accept", "decline", "remove"] = "request"


class ListContacts(Request):
    """My contacts, or who asks to be one."""

    filter: Literal["contacts", "requests"] = "contacts"
    cursor: Cursor | None = None
    limit: PageLimit = 50


class BlockUser(Request):
    """Hear no more from somebody in private."""

    user_id: Id


class UnblockUser(Request):
    """Let somebody write to me again."""

    user_id: Id


class GetBlock(Request):
    """Whether I have blocked somebody."""

    user_id: Id


class ListBlocks(Request):
    """Whom I have blocked."""

    cursor: Cursor | None = None
    limit: PageLimit = 50


class Contact(Shape):
    """How I stand with somebody, and since when."""

    user: Participant
    state: ContactState
    at: Timestamp | None = None


class ContactPage(Shape):
    """Contacts in a steady order; `requests` is how many ask to be one."""

    contacts: tuple[Contact, ...]
    requests: int
    next: str | None = None


class BlockState(Shape):
    """Whether I have blocked somebody; `exempt`: a block of them has no effect."""

    user_id: Id
    blocked: bool
    exempt: bool | None = None


class BlockPage(Shape):
    """People whom I have blocked, in a steady order."""

    users: tuple[Participant, ...]
    next: str | None = None
