"""The command that writes the generated files, or says what is stale."""

import sys

import pytest

from chatd_protocol.export.__main__ import main


def test_check_says_nothing_when_all_is_fresh(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The layout test would fail for no reason, or pass for none."""
    monkeypatch.setattr(sys, "argv", ["export", "--check"])
    assert main() == 0
    assert capsys.readouterr().out == ""
