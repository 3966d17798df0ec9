"""Files as tests make them: of every family, small, real; and where they are kept."""

import hashlib
import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

from PIL import Image

from chatd.actions.content.attachments import Files
from chatd.files.depot import open_depot
from chatd.files.links import Links
from chatd.files.pictures import Pictures


def files_at(folder: Path) -> Files:
    """A depot in a folder, with everything that goes with it."""
    return Files(open_depot(f"file://{folder}"), Pictures(), Links(b"secret" * 6))


def picture(
    kind: str = "PNG", size: tuple[int, int] = (60, 40), **more: object
) -> bytes:
    """A picture that no format can make much smaller, always the same."""
    made = io.BytesIO()
    width, height = size
    noise = hashlib.shake_256(b"noise").digest(width * height * 3)
    Image.frombytes("RGB", size, noise).save(made, kind, **more)
    return made.getvalue()


def animation(frames: int) -> bytes:
    """A GIF of so many tiny frames."""
    head = b"GIF89a\1\0\1\0\x80\0\0" + b"\0\0\0\xff\xff\xff"
    frame = b",\0\0\0\0\1\0\1\0\0\2\2D\1\0"
    return head + frames * frame + b";"


def archive(**members: str) -> bytes:
    """A ZIP with these texts in it."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name, text in members.items():
            file.writestr(name, text)
    return made.getvalue()


async def chunks(content: bytes, size: int = 65_536) -> AsyncIterator[bytes]:
    """The content as it would arrive."""
    for at in range(0, len(content), size):
        yield content[at : at + size]


async def whole(parts: AsyncIterator[bytes]) -> bytes:
    return b"".join([part async for part in parts])
