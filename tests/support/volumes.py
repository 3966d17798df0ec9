"""Small volumes that fill up, in a mount namespace of their own: without root."""

from pathlib import Path


def on_volume(place: Path, size: str) -> tuple[str, ...]:
    """What to put before a command that is to find a volume of `size` at `place`.

    The process that is started becomes the command; the volume ends with it.
    """
    inside = 'mount -t tmpfs -o size="$1" none "$0" && shift && exec "$@"'
    return ("unshare", "-rm", "sh", "-c", inside, str(place), size)


def seen_by(pid: int, place: Path) -> Path:
    """The place as that process sees it, by a path that everybody can use."""
    return Path(f"/proc/{pid}/root{place}")
