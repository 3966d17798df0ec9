"""The table of methods: every row of the contract has its action and its cost."""

from typing import get_type_hints

import pytest

from chatd.actions.basis.context import Context
from chatd.actions.basis.rates import Cost
from chatd.domain.people import Caller
from chatd.hub.methods import DEEDS
from chatd_protocol.chat.methods import METHODS

BY_NAME = {row.name: row for row in METHODS}
OF_THE_CONNECTION = {"RefreshToken", "WatchEvents", "WatchPresence"}
STARTS = {"StartConversation", "SendMassMessage"}


def test_the_contracts_methods_and_no_others() -> None:
    """One outside the contract could be called, or the server would not start."""
    assert DEEDS.keys() == BY_NAME.keys() - OF_THE_CONNECTION


@pytest.mark.parametrize("name", DEEDS)
def test_an_action_takes_and_gives_what_the_contract_says(name: str) -> None:
    """A method would be called with another method's request."""
    hints = get_type_hints(DEEDS[name].action)
    answer = hints.pop("return")
    assert list(hints.values()) == [Context, Caller, BY_NAME[name].request]
    assert answer is BY_NAME[name].result


@pytest.mark.parametrize("name", DEEDS)
def test_reading_costs_less_than_writing(name: str) -> None:
    """Opening pages would use up what a person may send, or sending would be free."""
    kinds = ("Get", "List", "Search", "Preview", "Sync", "Mark", "Typing")
    reads = name.startswith(kinds)
    assert (DEEDS[name].cost is Cost.READ) is reads
    assert (DEEDS[name].cost is Cost.START) is (name in STARTS)
