"""The program that looks at one picture: started for it, bounded, and gone after it.

It reads the picture from standard input and writes one line, `WIDTH HEIGHT`, then a
small WebP without any metadata. It exits with 1 for what is no whole picture, or one
that is larger than its bounds. Decoders are where hostile files do harm: here there is
nothing to harm, as it has no secrets, no sockets, little memory and little time.

Run by its file name, in isolation: it must import nothing of this project.
"""

import io
import resource
import sys

from PIL import Image, ImageOps

PIXELS_MAX = 50_000_000
"""More than any phone's camera takes; 200 MB when decoded."""

FRAMES_MAX = 1_000
"""A minute of animation; decoders of viewers are slow with 100,000 empty ones."""

EDGE = 480
"""Pixels of a thumbnail's longer side: a phone's width, at two dots each."""

QUALITY = 80
MEMORY_BYTES = 1024**3
CPU_S = 8
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")


def confine() -> None:
    """No more memory, time or files than one picture needs; no trace on a crash."""
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_NOFILE, 32),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def look(content: bytes) -> tuple[int, int, bytes]:
    """Width and height as it is to be shown, and a small copy as WebP.

    Raises:
        ValueError: it is beyond the bounds.
        OSError: it is no picture, or not a whole one.
    """
    with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
        if picture.width * picture.height > PIXELS_MAX:
            raise ValueError("too many pixels")
        if getattr(picture, "n_frames", 1) > FRAMES_MAX:
            raise ValueError("too many frames")
        picture.seek(0)
        # Decoded whole even where less would do for the thumbnail: half a file is none.
        picture.load()
        upright = ImageOps.exif_transpose(picture)
        width, height = upright.size
        plain = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
        plain.thumbnail((EDGE, EDGE))
        # A new picture has the pixels and nothing else.
        bare = Image.new(plain.mode, plain.size)
        bare.paste(plain)
        small = io.BytesIO()
        bare.save(small, "WEBP", quality=QUALITY)
    return width, height, small.getvalue()


def main() -> int:
    """Look at standard input."""
    confine()
    try:
        width, height, small = look(sys.stdin.buffer.read())
    except Exception:  # noqa: BLE001 - whatever a hostile file does to a decoder
        return 1
    sys.stdout.buffer.write(f"{width} {height}\n".encode() + small)
    return 0


if __name__ == "__main__":
    sys.exit(main())
