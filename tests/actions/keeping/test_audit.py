"""If these fail, something is done to people's data that nobody can find out later.

MOO-94, and the trail's promise: whoever looks or takes away is noted, in the
transaction of the deed.
"""

from typing import get_args

from chatd.actions import conversations, messages, sessions
from chatd.actions.basis.noting import note_look
from chatd.actions.between import blocks, contacts
from chatd.actions.directory import people, policies
from chatd.actions.keeping import audit
from chatd.actions.sessions import SignIn
from chatd.domain.keeping.deeds import DEEDS, Deed
from chatd.identity.issuers import FixedKey, Issuer, Signer
from chatd.identity.tokens import Verifier, mint
from chatd.store.keeping import trail
from chatd.store.tenants import PutTenant
from chatd_protocol.chat import directory, requests
from chatd_protocol.chat.http.audit import AuditEntry, ListAudit
from chatd_protocol.chat.policy import PutPolicy
from chatd_protocol.chat.social.people import (
    AcceptContact,
    BlockUser,
    RequestContact,
    UnblockUser,
)
from tests.actions.deeds import refused, send, start, who
from tests.support.house import TENANT, House

LEAD = who("lead", TENANT, "safeguarding")
SECRET = b"a secret for these tests, long enough"


async def noted(school: House) -> list[AuditEntry]:
    """All rows but those of looking at them, the earliest first."""
    found = await audit.page(school.context, LEAD, ListAudit())
    return [one for one in found.entries[::-1] if one.deed != "audit.read"]


def brief(entries: list[AuditEntry]) -> list[tuple[str, str, str, str]]:
    return [(one.actor_id, one.deed, one.about_kind, one.about_id) for one in entries]


def test_every_deed_has_a_meaning() -> None:
    """The operator's list would not say what a name in the trail means."""
    assert set(DEEDS) == set(get_args(Deed))


async def test_a_change_of_rules(school: House) -> None:
    """A rule that protects children could be lifted for an hour, and nobody knew."""
    asked = PutPolicy(tenant_id=TENANT, policy={"tombstone": "none"})
    await policies.put(school.context, school.platform, asked)
    await policies.put(school.context, school.platform, asked)
    (one,) = await noted(school)
    assert brief([one]) == [("lms", "policy.changed", "tenant", TENANT)]
    assert one.facts == {"keys": ["tombstone"], "preset": "itslearning"}


async def test_rights_from_the_directory(school: House) -> None:
    """A pupil could be made an administrator and back again."""

    async def put(user_id: str, role: directory.Role, title: str | None = None) -> None:
        asked = directory.PutUser(
            user_id=user_id, name=user_id.title(), roles=(role,), title=title
        )
        await people.put(school.context, school.platform, asked)

    await put("sue", "student")
    await put("new", "student")
    assert await noted(school) == []
    await put("sue", "admin")
    await put("sue", "admin", title="Head")
    await put("chief", "owner")
    gone = directory.DeleteUser(user_id="new")
    await people.delete(school.context, school.platform, gone)
    found = await noted(school)
    assert [one.about_id for one in found] == ["sue", "chief", "new"]
    assert {one.deed for one in found} == {"person.rights_changed"}
    assert "'roles': ['student']" in str(found[0].facts["before"])
    assert "'roles': ['admin']" in str(found[0].facts["after"])
    assert found[1].facts["before"] is None


async def test_what_staff_remove(school: House) -> None:
    """Staff could make a complaint disappear without a trace of who did it."""
    talk = await start(school, "anna", course="math")
    own = await send(school, "sue", talk.id)
    theirs = await send(school, "sue", talk.id)
    for person, message in (("sue", own), ("anna", theirs)):
        asked = requests.DeleteMessage(message_id=message.id)
        await messages.delete(school.context, who(person), asked)
    gone = requests.DeleteConversation(conversation_id=talk.id)
    await conversations.delete(school.context, who("anna"), gone)
    assert brief(await noted(school)) == [
        ("anna", "message.removed", "message", theirs.id),
        ("anna", "conversation.deleted", "conversation", talk.id),
    ]


async def test_ending_sessions(school: House) -> None:
    """Somebody could be locked out again and again, by nobody knows whom."""
    asked = directory.EndSessions(user_id="sue")
    await sessions.end_sessions(school.context, school.platform, asked)
    assert brief(await noted(school)) == [
        ("lms", "person.sessions_ended", "person", "sue")
    ]


async def test_acting_for_a_person(school: House) -> None:
    """A service could speak as a pupil, and the pupil would have to answer for it."""
    issuer = Issuer(None, ("HS256",), (TENANT,), FixedKey(SECRET))
    sign_in = SignIn(school.context, Verifier((issuer,), school.clock))
    token = mint(
        Signer(SECRET), who("bot", TENANT, "messages"), school.clock.at_ms, 9999
    )
    for _ in range(3):
        await sign_in(token, "sue")
    await sign_in(token, "tom")
    await sign_in(token)
    await refused("not_found", sign_in(token, "nobody"))
    rows = [("bot", "person.acted_for", "person", name) for name in ("sue", "tom")]
    assert brief(await noted(school)) == rows
    school.clock.at_ms += sessions.NOTED_EVERY_MS
    await sign_in(token, "sue")
    assert brief(await noted(school)) == [*rows, rows[0]]


async def test_pages_and_the_looks_themselves(school: House) -> None:
    """Whoever watches the watchers would see nothing."""
    for _ in range(3):
        await note_look(
            school.context, LEAD, "vault.read", "message", "m", reason="case"
        )
    first = await audit.page(school.context, LEAD, ListAudit(limit=2))
    assert [one.number for one in first.entries] == [4, 3]
    assert first.entries[0].deed == "audit.read"
    rest = ListAudit(limit=2, cursor=first.next)
    second = await audit.page(school.context, LEAD, rest)
    assert [one.number for one in second.entries] == [2, 1]
    assert second.next is None
    looked = ListAudit(deed="audit.read", user_id="lead")
    third = await audit.page(school.context, LEAD, looked)
    assert [one.number for one in third.entries] == [6, 5, 4]
    bad = audit.page(school.context, LEAD, ListAudit(cursor="%"))
    await refused("invalid_request", bad)
    assert (await school.context.store.read(trail.verify, TENANT)).broken is None


async def test_another_school_sees_nothing(school: House) -> None:
    """One school would read who did what at another."""
    await school.write(PutTenant("Other", "itslearning"), tenant="other")
    await note_look(school.context, LEAD, "vault.read", "message", "m")
    stranger = who("lead", "other", "safeguarding")
    found = await audit.page(school.context, stranger, ListAudit())
    assert [one.deed for one in found.entries] == ["audit.read"]


async def test_contacts_and_blocks(school: House) -> None:
    """Who bothered whom, and since when, could not be told later (MOO-88)."""
    moodle = PutPolicy(tenant_id=TENANT, preset="moodle")
    await policies.put(school.context, school.platform, moodle)
    asked = RequestContact(user_id="tom")
    await contacts.request(school.context, who("sue"), asked)
    answer = AcceptContact(user_id="sue")
    await contacts.accept(school.context, who("tom"), answer)
    block = BlockUser(user_id="tom")
    for _ in range(2):
        await blocks.block(school.context, who("sue"), block)
    lift = UnblockUser(user_id="tom")
    await blocks.unblock(school.context, who("sue"), lift)
    _, *found = await noted(school)
    assert brief(found) == [
        ("sue", "contact.changed", "person", "tom"),
        ("tom", "contact.changed", "person", "sue"),
        ("sue", "block.set", "person", "tom"),
        ("sue", "block.lifted", "person", "tom"),
    ]
    assert [one.facts for one in found[:2]] == [
        {"state": "sent"},
        {"state": "accepted"},
    ]
