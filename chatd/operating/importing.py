"""`chatd import`: files of deeds for the directory, sent to a running server.

Through the server and not past it: who is connected sees the changes at once, and the
same checks hold as for the platform's own requests.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import httpx2
import msgspec

from chatd_protocol.chat.directory import LineResult

PATH: Final = "/v1/directory"
MEDIA_TYPE: Final = "application/x-ndjson"

SILENCE_S: Final = 60.0
"""Between two results; a store that is gone for longer than this is gone."""

CHUNK_BYTES: Final = 64 * 1024


class ImportFailed(Exception):
    """The server cannot be reached or takes nothing at all; the text says why."""


def lines_in(path: Path) -> int:
    """How many results a file will bring."""
    with path.open("rb") as file:
        return sum(1 for line in file if line.strip())


def send(url: str, token: str, path: Path) -> Iterator[LineResult]:
    """Send a file; the results of its lines come in their order.

    Raises:
        ImportFailed: the server answers nothing or refuses the whole.
        OSError: the file cannot be read.
    """
    headers = {"Authorization": f"Bearer {token}", "Content-Type": MEDIA_TYPE}
    decoder = msgspec.json.Decoder(LineResult)
    try:
        with (
            path.open("rb") as file,
            httpx2.Client(timeout=SILENCE_S) as client,
            client.stream(
                "POST", f"{url}{PATH}", content=_chunks(file), headers=headers
            ) as answer,
        ):
            if answer.status_code != httpx2.codes.OK:
                raise ImportFailed(f"{url}{PATH}: {reason(answer)}")
            for line in answer.iter_lines():
                yield decoder.decode(line)
    except httpx2.HTTPError as error:
        why = str(error) or type(error).__name__
        raise ImportFailed(
            f"{url}: {why}. Is the server running there? Else say --url."
        ) from None


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


def reason(answer: httpx2.Response) -> str:
    """Why a server refused, as it says itself."""
    answer.read()
    try:
        problem = msgspec.json.decode(answer.content, type=dict[str, object])
    except msgspec.DecodeError:
        return f"HTTP {answer.status_code}"
    return f"{problem.get('code')}: {problem.get('detail')}"
