"""A school in which the actions' tests take place."""

from collections.abc import AsyncIterator

import pytest

from tests.support.house import House, house


@pytest.fixture
async def full_school(database: str) -> AsyncIterator[House]:
    """Teachers anna and ben, admin adam; sue, tom and uma are on anna's course math."""
    async with house(database) as made:
        await made.people("anna", "ben", role="teacher")
        await made.people("adam", role="admin")
        await made.people("sue", "tom", "uma", "zed")
        await made.course(
            "math", anna="teacher", sue="student", tom="student", uma="student"
        )
        made.announced.clear()
        yield made


@pytest.fixture
def school(full_school: House) -> House:
    return full_school
