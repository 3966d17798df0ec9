"""If these fail, the program that decodes pictures does more than it should."""

import subprocess
import sys
from pathlib import Path

import pytest

from chatd.files import picture as program
from tests.support.files import animation, picture


def run(content: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-I", str(Path(program.__file__))],
        check=False,
        input=content,
        capture_output=True,
        env={},
        timeout=120,
    )


def test_it_answers_with_size_and_copy() -> None:
    """Nothing that is uploaded would be shown."""
    done = run(picture())
    assert done.returncode == 0
    assert done.stdout.startswith(b"60 40\nRIFF")


def test_it_says_nothing_of_what_it_refuses() -> None:
    """A decoder's message, with pieces of the file, would get into a log."""
    done = run(b"\x89PNG\r\n\x1a\n" + b"secret words" * 50)
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")


def test_the_bounds() -> None:
    """A picture beyond the bounds would be decoded first."""
    with pytest.raises(ValueError, match="frames"):
        program.look(animation(program.FRAMES_MAX + 1))
    width, height, small = program.look(picture(size=(900, 30)))
    assert (width, height) == (900, 30)
    assert len(small) < 20_000


def test_it_cannot_write_files_or_take_all_memory(tmp_path: Path) -> None:
    """A decoder that was led astray would have the whole machine."""
    code = (
        f"import sys; sys.path.insert(0, {str(Path(program.__file__).parent)!r});"
        "import picture; picture.confine();"
        "\ntry: bytearray(2 * 1024**3)\nexcept MemoryError: print('bounded')"
        f"\ntry: open({str(tmp_path / 'x')!r}, 'wb', 0).write(b'x')"
        "\nexcept OSError: print('bounded')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, timeout=120
    )
    assert done.stdout.split() == [b"bounded", b"bounded"] or (
        # The system may end it instead: SIGXFSZ.
        done.returncode < 0
    )
