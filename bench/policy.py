"""What the rules cost: one decision, one list of denials, and telling a whole school.

    ./dev bench policy            decisions, and 10,000 people in 10 groups each
    ./dev bench policy 2000       the same with 2,000 people

Prints microseconds per call and, for a change of the policy that concerns everybody in
every conversation, seconds and pages until all of them have been told.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from chatd.actions.directory import policies
from chatd.actions.directory.telling import PAGE
from chatd.domain.cases import Case
from chatd.domain.conversations import ConversationRecord
from chatd.domain.people import Enrolment, PersonRecord
from chatd.domain.presets import PRESETS
from chatd.domain.relations import Party
from chatd.domain.verdicts import decide, denied
from chatd.store.conversations import CreateConversation
from chatd.store.members import NewMember
from chatd.store.people import PutPerson
from chatd_protocol.chat.policy import PutPolicy
from tests.support.house import TENANT, house

CALLS = 20_000
GROUP = 30
GROUPS_EACH = 10


def party(id_: str, role: str, courses: int) -> Party:
    place = "teacher" if role == "teacher" else "student"
    on = tuple(Enrolment("course", f"c{n}", place) for n in range(courses))
    return Party(PersonRecord(id_, id_, (role,)), on)


def decisions() -> None:
    print(f"{'preset':16} {'send':>8} {'initiate':>9} {'denied':>8}   µs a call")
    record = ConversationRecord(id="x", kind="direct", state="open", title="")
    for name, policy in PRESETS.items():
        case = Case(
            policy,
            party("s", "student", 8),
            party("t", "teacher", 8),
            conversation=record,
            member=True,
        )
        costs = []
        for work in (
            lambda case=case: decide("send", case),
            lambda case=case: decide("initiate", case),
            lambda case=case: denied(case),
        ):
            began = time.perf_counter()
            for _ in range(CALLS):
                work()
            costs.append((time.perf_counter() - began) / CALLS * 1e6)
        print(f"{name:16} {costs[0]:8.2f} {costs[1]:9.2f} {costs[2]:8.2f}")


async def telling(people: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with house(Path(folder)) as school:
            ids = [f"p{number:05}" for number in range(people)]
            await school.write(*(PutPerson(id_, id_, ("student",)) for id_ in ids))
            groups = people * GROUPS_EACH // GROUP
            for number in range(groups):
                start = number * GROUP
                some = [ids[(start + place) % people] for place in range(GROUP)]
                seats = tuple(NewMember(id_) for id_ in dict.fromkeys(some))
                group = CreateConversation(f"g{number}", "group", "", None, seats)
                await school.write(group)
            school.announced.clear()
            request = PutPolicy(tenant_id=TENANT, policy={"enabled": False})
            began = time.perf_counter()
            await policies.put(school.context, school.platform, request)
            took = time.perf_counter() - began
    places = groups * min(GROUP, people)
    print(
        f"policy change told to {people} people in {places} places:"
        f" {took:.1f} s, {places // PAGE + 1} pages of {PAGE},"
        f" {took / places * 1e6:.0f} µs a place"
    )


if __name__ == "__main__":
    decisions()
    asyncio.run(telling(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
