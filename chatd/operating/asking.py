"""`chatd export`, `chatd erase`: what is asked of a running server about a person.

Through the server and not past it: who is connected sees at once what was taken away,
and the trail has who asked.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import quote

import httpx2
import msgspec

from chatd.operating.importing import reason
from chatd_protocol.chat.http.keeping import ErasedPerson

SILENCE_S: Final = 300.0
"""A person with a hundred thousand messages takes minutes to erase."""


class AskFailed(Exception):
    """The server cannot be reached or refuses; the text says why."""


@contextmanager
def _asked(method: str, url: str, token: str) -> Iterator[httpx2.Response]:
    headers = {"Authorization": f"Bearer {token}"}
    try:
        with (
            httpx2.Client(timeout=SILENCE_S) as client,
            client.stream(method, url, headers=headers) as answer,
        ):
            if answer.status_code != httpx2.codes.OK:
                raise AskFailed(f"{url}: {reason(answer)}")
            yield answer
    except httpx2.HTTPError as error:
        why = str(error) or type(error).__name__
        raise AskFailed(
            f"{url}: {why}. Is the server running there? Else say --url."
        ) from None


def export(url: str, token: str, user: str) -> Iterator[str]:
    """Everything about a person, line by line.

    Raises:
        AskFailed: there is no such person, or no server.
    """
    where = f"{url}/v1/users/{quote(user, safe='')}/export"
    with _asked("GET", where, token) as answer:
        yield from answer.iter_lines()


def erase(url: str, token: str, user: str) -> ErasedPerson:
    """Take away all that there is of a person.

    Raises:
        AskFailed: there is no such person, a hold on something of it, or no server.
    """
    where = f"{url}/v1/users/{quote(user, safe='')}/erasure"
    with _asked("POST", where, token) as answer:
        return msgspec.json.decode(answer.read(), type=ErasedPerson)
