"""What an LMS writes into its tenant's directory, and what it reads back.

People, courses, projects, groups (course groups and batches), units and their members;
the tenant itself. `PUT` replaces the whole thing: what is absent gets its default.
Fields such as privileges and availability are kept for the presets that use them.
"""

from typing import Annotated, Literal

import msgspec

from chatd_protocol.chat.base import Id, Request, Shape, Timestamp

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Url = Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]
Ids = Annotated[tuple[Id, ...], msgspec.Meta(max_length=1_000)]

Role = Literal[
    "owner",
    "admin",
    "departmentAdmin",
    "supervisor",
    "author",
    "teacher",
    "student",
    "guardian",
    "observer",
    "guest",
]
MemberRole = Literal["teacher", "instructor", "student", "observer"]
GroupKind = Literal["courseGroup", "batch"]
Preset = Literal["ispring-limited", "ispring-open", "itslearning", "tutoring", "moodle"]

TimeOfDay = Annotated[
    str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")
]


class OpenHours(Request):
    """From when to when on a day of the week, Monday being 1."""

    day: Annotated[int, msgspec.Meta(ge=1, le=7)]
    start: TimeOfDay
    end: TimeOfDay


class Availability(Request):
    """When a person answers, in their own time zone (TUT-31)."""

    time_zone: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    hours: Annotated[tuple[OpenHours, ...], msgspec.Meta(max_length=50)]


class PutUser(Request):
    """Add a person, or replace everything that is known of one."""

    user_id: Id
    name: Name
    roles: Annotated[tuple[Role, ...], msgspec.Meta(min_length=1, max_length=10)]
    title: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    email: Annotated[str, msgspec.Meta(min_length=3, max_length=254)] | None = None
    avatar_url: Url | None = None
    active: bool = True
    messaging_disabled: bool = False
    privileges: Annotated[
        tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=64)], ...],
        msgspec.Meta(max_length=50),
    ] = ()
    availability: Availability | None = None
    guardian_of: Ids = ()
    supervises: Ids = ()


class GetUser(Request):
    """Read one person as the directory has them."""

    user_id: Id


class DeleteUser(Request):
    """Take a person out: they sign in no more and leave every conversation."""

    user_id: Id


class EndSessions(Request):
    """Close a person's connections and refuse every token made before now."""

    user_id: Id


class User(Shape):
    """A person as the directory has them."""

    id: Id
    name: str
    roles: tuple[Role, ...]
    active: bool
    messaging_disabled: bool
    title: str | None = None
    email: str | None = None
    avatar_url: str | None = None
    privileges: tuple[str, ...] | None = None
    availability: Availability | None = None
    guardian_of: tuple[Id, ...] | None = None
    supervises: tuple[Id, ...] | None = None


class SessionsEnded(Shape):
    """Tokens made before this moment are refused."""

    user_id: Id
    before: Timestamp


class PutCourse(Request):
    """Add a course, or replace its name and address."""

    course_id: Id
    name: Name
    url: Url | None = None


class GetCourse(Request):
    """Read one course."""

    course_id: Id


class DeleteCourse(Request):
    """Take a course out; its conversations can only be read from then on."""

    course_id: Id


class PutCourseMember(Request):
    """Enrol somebody, or change their role; they join the course's conversations."""

    course_id: Id
    user_id: Id
    role: MemberRole


class DeleteCourseMember(Request):
    """End an enrolment; they leave the course's conversations (ITS-19)."""

    course_id: Id
    user_id: Id


class Course(Shape):
    """A course and how many are enrolled."""

    id: Id
    name: str
    member_count: int
    url: str | None = None


class PutProject(Request):
    """Add a project, or replace its name and address."""

    project_id: Id
    name: Name
    url: Url | None = None


class GetProject(Request):
    """Read one project."""

    project_id: Id


class DeleteProject(Request):
    """Take a project out; its conversations can only be read from then on."""

    project_id: Id


class PutProjectMember(Request):
    """Add somebody to a project and its conversations, or change their role."""

    project_id: Id
    user_id: Id
    role: MemberRole = "student"


class DeleteProjectMember(Request):
    """Take somebody out of a project and its conversations."""

    project_id: Id
    user_id: Id


class Project(Shape):
    """A project and how many take part."""

    id: Id
    name: str
    member_count: int
    url: str | None = None


class PutGroup(Request):
    """Add a group of a course or a batch, or replace what is known of it."""

    group_id: Id
    course_id: Id
    name: Name
    kind: GroupKind = "courseGroup"
    messaging: bool = True


class GetGroup(Request):
    """Read one group."""

    group_id: Id


class DeleteGroup(Request):
    """Take a group out."""

    group_id: Id


class PutGroupMember(Request):
    """Add somebody to a group, or change their role in it."""

    group_id: Id
    user_id: Id
    role: MemberRole = "student"


class DeleteGroupMember(Request):
    """Take somebody out of a group."""

    group_id: Id
    user_id: Id


class Group(Shape):
    """A group of a course, or a batch."""

    id: Id
    course_id: Id
    name: str
    kind: GroupKind
    messaging: bool
    member_count: int


class PutUnit(Request):
    """Add a unit (school, department, hierarchy) under its parent, or replace it."""

    unit_id: Id
    name: Name
    parent_id: Id | None = None


class GetUnit(Request):
    """Read one unit."""

    unit_id: Id


class DeleteUnit(Request):
    """Take out a unit; what was below it stands alone then."""

    unit_id: Id


UnitRole = Role | Literal["manager"]


class PutUnitMember(Request):
    """Add somebody to a unit by role there; `manager` manages it and what is below."""

    unit_id: Id
    user_id: Id
    role: UnitRole = "student"


class DeleteUnitMember(Request):
    """Take somebody out of a unit."""

    unit_id: Id
    user_id: Id


class Unit(Shape):
    """A unit of the organisation."""

    id: Id
    name: str
    member_count: int
    parent_id: Id | None = None


class Member(Shape):
    """Somebody's place in a course, project, group or unit."""

    user_id: Id
    role: MemberRole | UnitRole


class PutTenant(Request):
    """Create a tenant, or change its name and preset (operators only)."""

    tenant_id: Id
    name: Name
    preset: Preset = "itslearning"


class Tenant(Shape):
    """A tenant; its preset says which platform's rules it follows."""

    id: Id
    name: str
    preset: Preset


class DirectoryLine(Request):
    """One deed of a bulk import: the name of a route and the request it takes."""

    do: Literal[
        "putUser",
        "deleteUser",
        "putCourse",
        "deleteCourse",
        "putCourseMember",
        "deleteCourseMember",
        "putProject",
        "deleteProject",
        "putProjectMember",
        "deleteProjectMember",
        "putGroup",
        "deleteGroup",
        "putGroupMember",
        "deleteGroupMember",
        "putUnit",
        "deleteUnit",
        "putUnitMember",
        "deleteUnitMember",
    ]
    request: dict[str, object]


class LineError(Shape):
    """What is wrong in a line, and where."""

    pointer: str
    code: str


class LineResult(Shape):
    """What became of one line, counted from 1: a status as the route would answer."""

    line: int
    status: int
    code: str | None = None
    errors: tuple[LineError, ...] | None = None
