"""What processes do that are not children of the tests."""

from pathlib import Path


def state(pid: int) -> str:
    """The kernel's letter for what a process does (proc_pid_stat(5)); Z: it is over.

    One that is over keeps its number until whoever adopted it has taken note, and in a
    container that may be nobody.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return "Z"
    return stat.rpartition(")")[2].split()[0]


def runs(pid: int) -> bool:
    """Whether it is not over."""
    return state(pid) not in "ZX"
