"""The files of messages, in a backup and back.

A blob is written once and never changed, so a hard link is as good as a copy and costs
nothing; on another disk it is copied. A bucket is not ours to copy: it has versions.
"""

import os
import shutil
from pathlib import Path
from typing import Final

from chatd.ids import new_id

UNFINISHED: Final = "#"
"""In the name of what is still being written."""


def mirror(source: Path, target: Path) -> int:
    """Give `target` every file of `source` that it lacks; how many that were.

    Raises:
        OSError: there is no room, or no right to write.
    """
    done = 0
    for found in sorted(source.rglob("*")):
        made = target / found.relative_to(source)
        if not found.is_file() or UNFINISHED in found.name or made.exists():
            continue
        made.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            os.link(found, made)
        except FileNotFoundError:
            # Removed a moment ago, as is what it belonged to.
            continue
        except OSError:
            _copy(found, made)
        done += 1
    return done


def _copy(found: Path, made: Path) -> None:
    draft = made.with_name(f"{made.name}{UNFINISHED}{new_id()}")
    try:
        shutil.copyfile(found, draft)
        draft.chmod(0o600)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(made)
    finally:
        draft.unlink(missing_ok=True)
