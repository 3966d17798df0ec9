"""What a Change does besides its rows: positions in logs and of people, announcements.

Every write goes through here to append to a log or to move a person's own state, so
that nothing is written that nobody is told of.
"""

from typing import Literal

import orjson

from chatd.domain.announcements import (
    Announcement,
    FactsMoved,
    Logged,
    PersonalMoved,
    SessionsEnded,
)
from chatd.store.transaction import Transaction

Erased = Literal["message", "files", "held", "sessions", "report", "person"]
"""A message's content, or some of its files; one that waited and was taken back; tokens
of a person that were made before a moment; what was kept with a report; all that there
was of a person."""


class Effects:
    """Collects while the writes of one Change are applied."""

    __slots__ = ("_told", "at_ms", "logged", "tenant")

    def __init__(self, tenant: str, at_ms: int) -> None:
        self.tenant = tenant
        self.at_ms = at_ms
        self.logged: list[Logged] = []
        self._told: dict[Announcement, None] = {}

    @property
    def announcements(self) -> tuple[Announcement, ...]:
        """All but the log's rows, facts before people."""
        return tuple(
            sorted(self._told, key=lambda told: not isinstance(told, FactsMoved))
        )

    async def append(
        self,
        tx: Transaction,
        conversation_id: str,
        *,
        kind: str,
        actor_id: str | None,
        message_id: str | None = None,
        data: dict[str, object] | None = None,
    ) -> int:
        """Add a row to a conversation's log and return its position.

        The locked conversation row gives the number: commit order is the log's order
        and a rollback leaves no hole. Data holds ids and counts, never text.
        """
        row = await tx.one(
            "UPDATE conversation SET head_seq = head_seq + 1, changed_at_ms = $3,"
            " changed_in = change_mark() WHERE tenant = $1 AND id = $2"
            " RETURNING head_seq",
            self.tenant,
            conversation_id,
            self.at_ms,
        )
        if row is None:
            raise LookupError("no such conversation")
        seq = int(row[0])
        await tx.run(
            "INSERT INTO log (tenant, conversation_id, seq, kind, message_id, actor_id,"
            " at_ms, data_json, changed_in)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, change_mark())",
            self.tenant,
            conversation_id,
            seq,
            kind,
            message_id,
            actor_id,
            self.at_ms,
            None if data is None else orjson.dumps(data).decode(),
        )
        self.logged.append(Logged(self.tenant, conversation_id, seq, kind))
        return seq

    async def move_person(self, tx: Transaction, user_id: str) -> int:
        """The next position of a person's own state."""
        row = await tx.one(
            "UPDATE person SET personal_seq = personal_seq + 1, changed_at_ms = $3,"
            " changed_in = change_mark() WHERE tenant = $1 AND id = $2"
            " RETURNING personal_seq",
            self.tenant,
            user_id,
            self.at_ms,
        )
        if row is None:
            raise LookupError("no such person")
        seq = int(row[0])
        self.person_moved(user_id, seq)
        return seq

    async def erased(
        self,
        tx: Transaction,
        kind: Erased,
        id_: str,
        at_ms: int,
        **data: str | None,
    ) -> None:
        """Keep that something was taken away, for whoever restores an older backup.

        Data holds ids and codes, never what was taken away.
        """
        await tx.run(
            "INSERT INTO erasure (tenant, kind, id, data_json, at_ms)"
            " VALUES ($1, $2, $3, $4, $5)",
            self.tenant,
            kind,
            id_,
            orjson.dumps(data).decode(),
            at_ms,
        )

    def person_moved(self, user_id: str, personal_seq: int) -> None:
        """A person's own state has reached this position."""
        self._told[PersonalMoved(self.tenant, user_id, personal_seq)] = None

    async def bump_conversation(self, tx: Transaction, conversation_id: str) -> None:
        """Members or state of a conversation changed."""
        await tx.run(
            "UPDATE conversation SET version = version + 1, changed_in = change_mark()"
            " WHERE tenant = $1 AND id = $2",
            self.tenant,
            conversation_id,
        )
        self.facts("conversation", conversation_id)

    async def bump_person(self, tx: Transaction, user_id: str) -> None:
        """Something that decisions about a person rest on changed."""
        await tx.run(
            "UPDATE person SET version = version + 1, changed_in = change_mark()"
            " WHERE tenant = $1 AND id = $2",
            self.tenant,
            user_id,
        )
        self.facts("person", user_id)

    def facts(self, noun: str, id_: str) -> None:
        """A fact has another version."""
        self._told[FactsMoved(self.tenant, noun, id_)] = None

    def sessions_ended(self, user_id: str, before_ms: int) -> None:
        """Older tokens of this person are refused from now on."""
        self._told[SessionsEnded(self.tenant, user_id, before_ms)] = None
