"""If these fail, nobody knows which source a server that misbehaves was built from."""

from pathlib import Path

import pytest

from chatd.telemetry import building
from chatd.telemetry.building import commit

NAME = "0123456789abcdef0123456789abcdef01234567"


def write(place: Path, text: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)


def test_a_branch_and_a_commit_itself(tmp_path: Path) -> None:
    """A checkout would be shown as an older one of itself, or not at all."""
    git = tmp_path / ".git"
    write(git / "HEAD", "ref: refs/heads/main\n")
    write(git / "packed-refs", f"# pack-refs\n{NAME[::-1]} refs/heads/main\n")
    assert commit(tmp_path) == NAME[::-1][:12]
    write(git / "refs" / "heads" / "main", f"{NAME}\n")
    assert commit(tmp_path) == NAME[:12]
    write(git / "HEAD", f"{NAME[::-1]}\n")
    assert commit(tmp_path) == NAME[::-1][:12]


def test_a_worktree(tmp_path: Path) -> None:
    """Who works on several branches at once would see another one's commit."""
    own = tmp_path / "main" / ".git" / "worktrees" / "fix"
    write(own / "HEAD", "ref: refs/heads/fix\n")
    write(own / "commondir", "../..\n")
    write(tmp_path / "main" / ".git" / "refs" / "heads" / "fix", f"{NAME}\n")
    write(tmp_path / "fix" / ".git", f"gitdir: {own}\n")
    assert commit(tmp_path / "fix") == NAME[:12]


def test_an_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed server would not start for want of a checkout, or name none."""
    assert commit(tmp_path) == ""
    noted = tmp_path / "chatd-9.dist-info"
    write(noted / "METADATA", "Metadata-Version: 2.1\nName: chatd\nVersion: 9\n")
    write(
        noted / "direct_url.json",
        f'{{"url": "x", "vcs_info": {{"vcs": "git", "commit_id": "{NAME}"}}}}',
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert building.commit(tmp_path) == NAME[:12]
