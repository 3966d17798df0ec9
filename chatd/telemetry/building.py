"""Which source this code was built from, as far as it can be known."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

import msgspec

CHECKOUT: Final = Path(__file__).resolve().parents[2]
SHOWN: Final = 12
"""Characters of a commit's name: enough for any repository, and readable."""


def commit(checkout: Path = CHECKOUT) -> str:
    """The commit of a checkout, or the one that pip has noted; empty if neither is."""
    try:
        return _of_checkout(checkout / ".git")[:SHOWN]
    except OSError:
        return _of_installation()[:SHOWN]


def _of_checkout(place: Path) -> str:
    """What git's own files say (gitrepository-layout(5)).

    Raises:
        OSError: there are none.
    """
    if place.is_file():  # a worktree's
        place = Path(place.read_text().removeprefix("gitdir:").strip())
    head = (place / "HEAD").read_text().strip()
    if not head.startswith("ref: "):
        return head
    name, shared = head.removeprefix("ref: "), place / "commondir"
    common = place / shared.read_text().strip() if shared.exists() else place
    if (common / name).exists():
        return (common / name).read_text().strip()
    for line in (common / "packed-refs").read_text().splitlines():
        if line.endswith(f" {name}"):
            return line.partition(" ")[0]
    return ""


def _of_installation() -> str:
    """`pip install git+…` notes the commit (PEP 610)."""
    try:
        noted = distribution("chatd").read_text("direct_url.json")
    except PackageNotFoundError:
        return ""
    source = msgspec.json.decode(noted or "{}", type=dict[str, object])
    control = source.get("vcs_info")
    return str(control.get("commit_id", "")) if isinstance(control, dict) else ""
