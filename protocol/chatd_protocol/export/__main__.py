"""The command `python -m chatd_protocol.export [--check]`.

Writes what is stale and names it, one file a line. With `--check` it only names it, and
ends with 1 if there is any.
"""

import argparse
import sys

from chatd_protocol.export.published import generated, stale, write


def main() -> int:
    """Runs the command; its exit status."""
    parser = argparse.ArgumentParser(prog="python -m chatd_protocol.export")
    parser.add_argument("--check", action="store_true", help="only say what is stale")
    check = parser.parse_args().check
    found = stale(generated()) if check else write(generated())
    word = "stale" if check else "written"
    sys.stdout.writelines(f"{word}: {path}\n" for path in found)
    return int(check and bool(found))


if __name__ == "__main__":
    raise SystemExit(main())
