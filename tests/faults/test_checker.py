"""The other proofs rest on the checker: it must find each fault, and only that."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.faults.checker import (
    FOREVER,
    History,
    Restarted,
    Rule,
    Sent,
    Shown,
    Stored,
    check,
)

CHAT = "c1"
COUNT = 8
LEAVES_AT = 6


def entry(seq: int) -> Stored:
    if seq == LEAVES_AT:
        return Stored(CHAT, seq, "participants.removed")
    return Stored(CHAT, seq, f"message {seq}", f"k{seq}", "anna")


def shown(device: str, seq: int) -> Shown:
    return Shown(device, CHAT, seq, entry(seq).content)


def good() -> History:
    """Anna has two devices, one of which came late; Ben leaves at position 6."""
    history = History(
        users={"anna": "anna", "anna-2": "anna", "ben": "ben"},
        seen={("anna", CHAT): [(1, FOREVER)], ("ben", CHAT): [(1, LEAVES_AT)]},
        whole={"anna", "anna-2", "ben"},
    )
    history.log = [entry(seq) for seq in range(1, COUNT + 1)]
    history.sent = [
        Sent(f"k{seq}", CHAT, seq, seq + 0.5, seq)
        for seq in range(1, COUNT + 1)
        if seq != LEAVES_AT
    ]
    # Nobody was told what became of it, and it happened all the same.
    history.sent[0] = replace(history.sent[0], answered_s=None, seq=None)
    # Asked for, not answered, and it never happened.
    history.sent.append(Sent("unknown", CHAT, 1.0))
    history.shown = [
        *(shown("anna", seq) for seq in range(1, COUNT + 1)),
        *(shown("ben", seq) for seq in range(1, LEAVES_AT + 1)),
        Restarted("anna-2", CHAT, 3),
        *(shown("anna-2", seq) for seq in range(4, COUNT + 1)),
    ]
    texts = {seq: f"text {seq}" for seq in range(1, COUNT + 1)}
    history.texts = {CHAT: {seq: (text, seq) for seq, text in texts.items()}}
    history.final = {("anna", CHAT): texts}
    return history


def test_a_good_history_is_clean() -> None:
    """Every proof would fail, or be believed for the wrong reason."""
    assert check(good()) == []


def lose(history: History) -> None:
    del history.log[-1]
    history.shown = [one for one in history.shown if one.seq != COUNT]
    history.final.clear()


def lose_all(history: History) -> None:
    history.log.clear()
    history.shown.clear()
    history.final.clear()


def answer_another_seq(history: History) -> None:
    history.sent[3] = replace(history.sent[3], seq=7)


def double(history: History) -> None:
    again = replace(history.log[2], seq=COUNT + 1)
    history.log.append(again)
    history.shown += [
        Shown(device, CHAT, again.seq, again.content) for device in ("anna", "anna-2")
    ]


def invent(history: History) -> None:
    history.log[4] = replace(history.log[4], key="nobody's")
    history.sent = [one for one in history.sent if one.key != "k5"]


def show_what_is_not_there(history: History) -> None:
    history.shown.append(Shown("anna", CHAT, COUNT + 1, "aborted"))


def leave_a_hole(history: History) -> None:
    del history.log[LEAVES_AT - 1]
    history.shown = [one for one in history.shown if one.seq != LEAVES_AT]


def show_another_content(history: History) -> None:
    history.shown[2] = replace(shown("anna", 3), content="message 99")


def swap_times(history: History) -> None:
    history.sent[1] = replace(history.sent[1], began_s=10, answered_s=11)


def let_ben_send(history: History) -> None:
    history.log[LEAVES_AT] = replace(history.log[LEAVES_AT], author="ben")


def show(*seqs: int, device: str = "anna") -> Callable[[History], None]:
    def plant(history: History) -> None:
        others = [one for one in history.shown if one.device != device]
        history.shown = [*others, *(shown(device, seq) for seq in seqs)]

    return plant


def never_show(history: History) -> None:
    history.shown = [one for one in history.shown if one.device != "anna"]


def go_stale(history: History) -> None:
    history.final["anna", CHAT] = {4: "before the edit"}


ALL = tuple(range(1, COUNT + 1))
UNTIL_LEAVING = tuple(range(1, LEAVES_AT + 1))

PLANTED: list[tuple[str, Callable[[History], None], set[Rule]]] = [
    ("answered, not stored", lose, {"lost"}),
    ("answered, nothing stored", lose_all, {"lost"}),
    ("answered as another", answer_another_seq, {"misplaced"}),
    ("stored twice", double, {"doubled"}),
    ("stored, never asked for", invent, {"phantom"}),
    ("shown, never stored", show_what_is_not_there, {"phantom"}),
    ("a position is missing", leave_a_hole, {"hole"}),
    ("shown as another", show_another_content, {"divergent"}),
    ("later in time, earlier in the log", swap_times, {"overtaken"}),
    ("passed over", show(1, 2, 4, 5, 6, 7, 8), {"skipped"}),
    ("first one passed over", show(*ALL[1:]), {"skipped"}),
    ("shown twice", show(1, 2, 3, 3, *ALL[3:]), {"repeated"}),
    ("shown again later", show(*ALL, 3), {"repeated"}),
    ("the wrong way round", show(1, 2, 4, 3, *ALL[4:]), {"skipped", "reordered"}),
    ("the last one is missing", show(*ALL[:-1]), {"not_whole"}),
    ("nothing came", never_show, {"not_whole"}),
    ("sent after leaving", let_ben_send, {"intruded"}),
    ("shown after leaving", show(*UNTIL_LEAVING, 7, device="ben"), {"leaked"}),
    ("a leaver misses his leaving", show(1, 2, 3, device="ben"), {"not_whole"}),
    ("an edit was missed", go_stale, {"stale"}),
]


@pytest.mark.parametrize(
    ("plant", "rules"), [row[1:] for row in PLANTED], ids=[row[0] for row in PLANTED]
)
def test_planted_faults_are_found(
    plant: Callable[[History], None], rules: set[Rule]
) -> None:
    """A broken promise would pass as kept, or be called by a wrong name."""
    history = good()
    plant(history)
    assert {finding.rule for finding in check(history)} == rules


def test_who_has_left_is_not_told_of_edits() -> None:
    """What a former member may not see would be called missed."""
    history = good()
    history.texts[CHAT] = {3: ("edited when Ben was gone", 8)}
    history.final["ben", CHAT] = {3: "text 3"}
    assert [one.what for one in check(history) if "ben" in one.what] == []


def test_offline_devices_owe_nothing() -> None:
    """A device that was away would be called broken for what it will fetch later."""
    history = good()
    show(1, 2)(history)
    history.final["anna", CHAT] = {1: "text 1"}
    history.whole.discard("anna")
    assert check(history) == []


def test_conversations_are_told_apart() -> None:
    """The same position of another conversation would be taken for this one's."""
    history = good()
    history.log.append(Stored("c2", 1, "message x", "kx"))
    history.sent.append(Sent("kx", "c2", 0.0, 0.1, 1))
    history.seen["anna", "c2"] = [(1, FOREVER)]
    found = check(history)
    assert {(one.rule, one.conversation) for one in found} == {("not_whole", "c2")}
    assert len(found) == 2
