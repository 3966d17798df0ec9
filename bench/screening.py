"""What it costs to look for contact data in a text: part of every send (TUT-26).

    ./dev bench screening

Prints microseconds per call for ordinary texts, with nothing and with something in
them, where policy asks for it and where it does not; and milliseconds for the worst
texts of the greatest length that there can be, which one person can send ten of in a
second.
"""

import time

from chatd.domain.content.screening import screen
from chatd.domain.policy import Pii
from chatd.domain.presets import PRESETS
from chatd.limits import Limits

CALLS = 20_000
ORDINARY = {
    "a few words": "Thank you, that helps!",
    "a sentence": "Hello, can we meet tomorrow at 10:30 about chapter 5, page 345?",
    "200 words": "We looked at the second exercise, and it is not what I meant. " * 17,
    "a number": "My number is +49 171 2345678, call after six.",
    "an address": "Write to anna.b@example.org, please.",
}
WORST = ("0 ", "1.", "(1", "0171 2345678 ", "@a", "a@a.", "insta ", "2026-11-", "1____")


def main() -> None:
    rules = {"off": Pii(), "tutoring": PRESETS["tutoring"].pii}
    print(f"{'text':16} {'off':>8} {'tutoring':>9}   µs a call")
    for name, text in ORDINARY.items():
        costs = []
        for pii in rules.values():
            began = time.perf_counter()
            for _ in range(CALLS):
                screen(pii, text)
            costs.append((time.perf_counter() - began) / CALLS * 1e6)
        print(f"{name:16} {costs[0]:8.2f} {costs[1]:9.1f}")
    length = Limits().message_text_code_points
    print(f"\n{'repeated':16} {'ms':>8}   a text of {length} code points")
    for unit in WORST:
        text = (unit * length)[:length]
        began = time.perf_counter()
        screen(rules["tutoring"], text)
        print(f"{unit!r:16} {(time.perf_counter() - began) * 1e3:8.1f}")


if __name__ == "__main__":
    main()
