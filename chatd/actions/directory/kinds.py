"""The four kinds of roster in the contract's types: one row, five deeds each.

The deeds themselves are in `rosters`; here is only how a request of each kind names
what it means, and how a roster is shown.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from chatd.actions.basis.context import Context
from chatd.actions.directory import rosters
from chatd.actions.directory.groups import GroupDetails, details_of
from chatd.domain.people import Caller
from chatd.store.rosters import (
    PutRoster,
    PutRosterMember,
    RemoveRosterMember,
    RosterRecord,
)
from chatd_protocol.chat import directory
from chatd_protocol.chat.base import Request, Shape
from chatd_protocol.chat.directory import Member
from chatd_protocol.chat.results import Empty

Kind = Literal["course", "project", "group", "unit"]


@dataclass(frozen=True, slots=True)
class RosterDeeds:
    """The five deeds of one kind.

    `written` turns the kind's own PUT request into the write; `shown` a roster into the
    kind's own object. `Any`: each kind has request types of its own.
    """

    kind: Kind
    written: Callable[[Any], PutRoster]
    shown: Callable[[RosterRecord], Shape]

    async def put(self, context: Context, caller: Caller, request: Request) -> Shape:
        """Add a roster or replace its facts."""
        wanted = self.written(request)
        return self.shown(await rosters.put(context, caller, wanted))

    async def get(self, context: Context, caller: Caller, request: Request) -> Shape:
        """Read one roster."""
        found = await rosters.get(context, caller, self.kind, self._id(request))
        return self.shown(found)

    async def delete(self, context: Context, caller: Caller, request: Request) -> Empty:
        """Take a roster out."""
        return await rosters.delete(context, caller, self.kind, self._id(request))

    async def put_member(
        self, context: Context, caller: Caller, request: Any
    ) -> Member:
        """Put somebody on a roster."""
        wanted = PutRosterMember(
            self.kind, self._id(request), request.user_id, request.role
        )
        return await rosters.put_member(context, caller, wanted)

    async def put_members(
        self, context: Context, caller: Caller, asked: Sequence[Any]
    ) -> Collection[str]:
        """Put people on one roster; returns the ids of which nobody is known."""
        wanted = [
            PutRosterMember(self.kind, self._id(one), one.user_id, one.role)
            for one in asked
        ]
        return await rosters.put_members(context, caller, wanted)

    async def delete_member(
        self, context: Context, caller: Caller, request: Any
    ) -> Empty:
        """Take somebody off a roster."""
        wanted = RemoveRosterMember(self.kind, self._id(request), request.user_id)
        return await rosters.delete_member(context, caller, wanted)

    def _id(self, request: Request) -> str:
        return str(getattr(request, f"{self.kind}_id"))


def _course(request: directory.PutCourse) -> PutRoster:
    return PutRoster("course", request.course_id, request.name, url=request.url)


def _project(request: directory.PutProject) -> PutRoster:
    return PutRoster("project", request.project_id, request.name, url=request.url)


def _group(request: directory.PutGroup) -> PutRoster:
    details = GroupDetails(kind=request.kind, messaging=request.messaging)
    return PutRoster(
        "group",
        request.group_id,
        request.name,
        course_id=request.course_id,
        details=msgspec.json.encode(details).decode(),
    )


def _unit(request: directory.PutUnit) -> PutRoster:
    return PutRoster("unit", request.unit_id, request.name, parent_id=request.parent_id)


def _shown_group(roster: RosterRecord) -> directory.Group:
    details = details_of(roster)
    return directory.Group(
        id=roster.id,
        course_id=roster.course_id or "",
        name=roster.name,
        kind=details.kind,
        messaging=details.messaging,
        member_count=roster.size,
    )


def _shown_unit(roster: RosterRecord) -> directory.Unit:
    return directory.Unit(
        id=roster.id,
        name=roster.name,
        member_count=roster.size,
        parent_id=roster.parent_id,
    )


def _with_url(
    shape: type[directory.Course] | type[directory.Project],
) -> Callable[[RosterRecord], Shape]:
    def shown(roster: RosterRecord) -> Shape:
        return shape(
            id=roster.id, name=roster.name, member_count=roster.size, url=roster.url
        )

    return shown


Deed = Callable[..., Awaitable[Shape]]

ROSTERS: Final[dict[Kind, RosterDeeds]] = {
    "course": RosterDeeds("course", _course, _with_url(directory.Course)),
    "project": RosterDeeds("project", _project, _with_url(directory.Project)),
    "group": RosterDeeds("group", _group, _shown_group),
    "unit": RosterDeeds("unit", _unit, _shown_unit),
}
