"""Which files are generated, how each is made, and whether those on disk are fresh.

The documents are package data (`chatd_protocol/schema`, in a checkout also reachable as
`protocol/schema`), so that a server installed from a wheel can serve them. The tables
of `protocol/SPEC.md` exist in a checkout only.
"""

import json
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path

from chatd_protocol.export.asyncapi import asyncapi
from chatd_protocol.export.json_schema import json_schema
from chatd_protocol.export.openapi import openapi
from chatd_protocol.export.schemas import Schema
from chatd_protocol.export.tables import filled
from chatd_protocol.export.typescript import typescript

_FOLDER = "schema"


def _text(document: Callable[[], Schema]) -> Callable[[], str]:
    return lambda: json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


DOCUMENTS: Mapping[str, Callable[[], str]] = {
    "contract.schema.json": _text(json_schema),
    "openapi.json": _text(openapi),
    "asyncapi.json": _text(asyncapi),
    "contract.ts": typescript,
}
"""Name in the folder `schema` → what makes its text."""


def published(name: str) -> bytes:
    """A document as it was published with this version of the package.

    Raises:
        FileNotFoundError: nothing of that name is published.
    """
    return files("chatd_protocol").joinpath(_FOLDER, name).read_bytes()


def generated() -> dict[Path, str]:
    """Every generated file of this checkout and the text that it should have."""
    package = Path(__file__).resolve().parents[1]
    made = {package / _FOLDER / name: make() for name, make in DOCUMENTS.items()}
    spec = package.with_name("SPEC.md")
    if spec.exists():
        made[spec] = filled(spec.read_text(encoding="utf-8"))
    return made


def stale(texts: Mapping[Path, str]) -> list[Path]:
    """The files that are not there or have another text than they should."""
    return [
        path
        for path, text in texts.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def write(texts: Mapping[Path, str]) -> list[Path]:
    """Bring every file up to date; the ones that changed."""
    changed = stale(texts)
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(texts[path], encoding="utf-8")
    return changed
