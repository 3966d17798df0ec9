"""What is on a channel, and what is not taken from one."""

import msgspec
import pytest

from chatd.bus.redis.channels import Channels
from chatd.bus.redis.envelopes import (
    BODY_AT,
    ENVELOPE_BYTES,
    HINT_AGE_MS,
    VERSION,
    Envelopes,
    Lost,
    Probe,
    Rejected,
    channel_of,
    item,
    taken,
)
from chatd.domain.announcements import (
    Announcement,
    FactsMoved,
    Hinted,
    Logged,
    PersonalMoved,
    PresenceMoved,
    SessionsEnded,
)
from chatd_protocol.chat.events import TypingHint
from tests.hub.listeners import ANNA, AT, said
from tests.support.house import HandClock

SECRET = b"a secret that all gateways share"
CHANNEL = b"chatd:somewhere"
TYPING = TypingHint(at=AT, conversation_id="c1", actor=ANNA)

ALL: tuple[Announcement, ...] = (
    Logged("school", "c1", 7, "message.created", said(7)),
    Logged("school", "c1", 8, "message.edited"),
    Logged("school", "c1", 9, "message.removed", None, f"00-{7:032x}-{8:016x}-01"),
    PersonalMoved("school", "anna", 3),
    PersonalMoved("school", "anna", 4, f"00-{7:032x}-{8:016x}-01"),
    FactsMoved("school", "person", "anna"),
    SessionsEnded("school", "anna", 1_763_700_000_000),
    Hinted("school", "c1", "anna", TYPING),
    PresenceMoved("school", "anna", online=True),
)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def ours(clock: HandClock) -> Envelopes:
    return Envelopes(SECRET, clock)


@pytest.fixture
def theirs(clock: HandClock) -> Envelopes:
    return Envelopes(SECRET, clock)


def sealed(envelopes: Envelopes, *news: Announcement) -> bytes:
    items = [told for one in news if (told := item(one)) is not None]
    return envelopes.seal(CHANNEL, items)


def test_everything_arrives_as_it_was_sent(ours: Envelopes, theirs: Envelopes) -> None:
    """Clients of another gateway would be told something else, or nothing."""
    assert theirs.open(CHANNEL, sealed(ours, *ALL)) == list(ALL)


def test_the_bus_talks_to_itself(ours: Envelopes, theirs: Envelopes) -> None:
    """A gateway could not tell that it is deaf, nor that it had to be silent."""
    told = ours.seal(CHANNEL, [Lost(), Probe(1.5)])
    assert theirs.open(CHANNEL, told) == [Lost(), Probe(1.5)]
    assert ours.is_own(told)
    assert not theirs.is_own(told)


def damaged(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def test_hostile_and_foreign_envelopes(ours: Envelopes, theirs: Envelopes) -> None:
    """Whoever can write to Redis could put words into people's mouths (row 22)."""
    good = sealed(ours, ALL[0])
    foreign = sealed(Envelopes(b"another deployment's own secret", HandClock()), ALL[0])
    cases = {
        "size": [b"", b"garbage", good + b"\0" * ENVELOPE_BYTES],
        "version": [damaged(good, 0)],
        "signature": [damaged(good, at) for at in range(1, len(good))] + [foreign],
    }
    for reason, envelopes in cases.items():
        for envelope in envelopes:
            with pytest.raises(Rejected, match=reason):
                theirs.open(CHANNEL, envelope)
    with pytest.raises(Rejected, match="signature"):
        theirs.open(b"chatd:elsewhere", good)


@pytest.mark.parametrize(
    "body",
    [
        b"\xc1",
        [1, [["l", "school", "c1", "seven", "message.created", None]]],
        [1, [["unheard of"]]],
        [1, [["h", "school", "c1", "anna", {"type": "shutdown"}]]],
        {"__reduce__": "os.system"},
    ],
)
def test_a_signed_envelope_has_its_form(ours: Envelopes, body: object) -> None:
    """A gateway of another version could have a listener act on anything."""
    content = body if isinstance(body, bytes) else msgspec.msgpack.encode(body)
    head = ours.seal(CHANNEL, [])[:9]
    with pytest.raises(Rejected, match="schema"):
        ours.open(CHANNEL, head + ours._mac(CHANNEL, head, content) + content)


def test_an_old_hint_is_not_shown(
    ours: Envelopes, theirs: Envelopes, clock: HandClock
) -> None:
    """Somebody could have anyone seem to type, by a recording (UX-39)."""
    told = sealed(ours, *ALL)
    clock.at_ms += HINT_AGE_MS + 1
    assert theirs.open(CHANNEL, told) == list(ALL[:-2])


def test_a_huge_event_is_left_to_be_read(ours: Envelopes, theirs: Envelopes) -> None:
    """One long message would fill the queue to every gateway."""
    huge = Logged("school", "c1", 7, "message.created", said(7, "x" * ENVELOPE_BYTES))
    told = sealed(ours, huge)
    assert len(told) < BODY_AT + 100
    assert theirs.open(CHANNEL, told) == [Logged("school", "c1", 7, huge.kind)]


def test_what_no_other_process_can_use_stays_here() -> None:
    """An object that only this process knows would end the publisher."""
    assert item(Hinted("school", "c1", "anna", object())) is None
    told = item(Logged("school", "c1", 7, "message.created", object()))
    assert told is not None
    assert taken(told) == Logged("school", "c1", 7, "message.created")


def test_each_announcement_goes_where_it_is_awaited() -> None:
    """Gateways would follow one channel and be told on another."""
    channels = Channels(SECRET)
    room = channels.of("conversation", "school", "c1")
    person = channels.of("person", "school", "anna")
    everyone = channels.of_everyone("school")
    assert [channel_of(channels, one) for one in ALL] == [
        *(room, room, room, person, person, everyone, person, room),
        channels.of("presence", "school", "anna"),
    ]


def test_gateways_of_other_versions_are_understood(
    ours: Envelopes, theirs: Envelopes, clock: HandClock
) -> None:
    """While one after the other is restarted, every hint would raise a doubt."""
    older = ["l", "school", "c1", 7, "message.edited"]
    newer = ["l", "school", "c1", 8, "message.edited", None, None, "what comes next"]
    body = msgspec.msgpack.encode((clock.now_ms(), [older, newer]))
    head = VERSION + ours.gateway
    sealed = head + ours._mac(CHANNEL, head, body) + body
    assert theirs.open(CHANNEL, sealed) == [
        Logged("school", "c1", 7, "message.edited"),
        Logged("school", "c1", 8, "message.edited"),
    ]
