"""If these fail, a platform's directory data is misread or a wrong field let in."""

import pytest

from chatd_protocol.chat import directory
from chatd_protocol.chat.base import Request
from chatd_protocol.chat.binding import InvalidRequestError, bind

USER = {"userId": "u", "name": "Ann", "roles": ["teacher"]}


@pytest.mark.parametrize(
    ("request_type", "value", "pointer", "code"),
    [
        (directory.PutUser, USER | {"isAdmin": True}, "/isAdmin", "unknown_field"),
        (directory.PutUser, USER | {"roles": []}, "/roles", "too_few"),
        (directory.PutUser, USER | {"roles": ["king"]}, "/roles/0", "not_allowed"),
        (directory.PutUser, USER | {"userId": "u" * 129}, "/userId", "too_long"),
        (
            directory.PutCourseMember,
            {"courseId": "c", "userId": "u", "role": "manager"},
            "/role",
            "not_allowed",
        ),
        (
            directory.PutTenant,
            {"tenantId": "t", "name": "T", "preset": "none"},
            "/preset",
            "not_allowed",
        ),
    ],
)
def test_wrong_values_are_named(
    request_type: type[Request], value: object, pointer: str, code: str
) -> None:
    """A wrong value would be taken, or refused without its place."""
    with pytest.raises(InvalidRequestError) as caught:
        bind(request_type, value)
    assert (caught.value.pointer, caught.value.code) == (pointer, code)


def test_absent_fields_have_their_defaults() -> None:
    """A PUT would leave old values standing, or need every field."""
    user = bind(directory.PutUser, USER | {"title": None})
    assert user == directory.PutUser(user_id="u", name="Ann", roles=("teacher",))
    assert user.active
    assert not user.messaging_disabled


def test_a_unit_has_managers() -> None:
    """Nobody could manage a unit."""
    member = bind(
        directory.PutUnitMember, {"unitId": "x", "userId": "u", "role": "manager"}
    )
    assert member.role == "manager"
