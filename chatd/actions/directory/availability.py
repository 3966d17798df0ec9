"""When people answer: stated by the platform, shown to whom they talk with (TUT-30).

The hours go with the person; whether it is open now is a hint of one moment, which a
client words. Nothing is refused outside the hours.
"""

import msgspec

from chatd.clock import rfc3339
from chatd.domain.people import Availability, PersonRecord, minutes, opening, zone
from chatd.domain.policy import Policy
from chatd.errors import invalid
from chatd_protocol.chat import directory
from chatd_protocol.chat.objects import Participant, StatedAvailability


def written(request: directory.Availability | None) -> Availability | None:
    """Stated hours as they are kept.

    Raises:
        Refused: `invalid_request` for a time zone that nobody knows, and for hours that
            end before they begin: a night is written as two days' hours.
    """
    if request is None:
        return None
    if zone(request.time_zone) is None:
        raise invalid("/availability/timeZone", "unknown")
    for place, hours in enumerate(request.hours):
        if minutes(hours.start) >= minutes(hours.end):
            raise invalid(f"/availability/hours/{place}/end", "not_after_start")
    return msgspec.convert(request, Availability, from_attributes=True)


def stated(shown: Participant, person: PersonRecord, policy: Policy) -> Participant:
    """A participant with the hours that the person states, where policy shows them."""
    hours = person.details.availability
    if hours is None or policy.availability == "off":
        return shown
    found = msgspec.convert(hours, StatedAvailability, from_attributes=True)
    return msgspec.structs.replace(shown, availability=found)


def hinted(shown: Participant, now_ms: int) -> Participant:
    """A participant with what the stated hours say of this moment (TUT-32)."""
    hours = shown.availability
    if hours is None:
        return shown
    kept = msgspec.convert(hours, Availability, from_attributes=True)
    found = opening(kept, now_ms)
    if found is None:
        return shown
    opens = None if found.opens_at_ms is None else rfc3339(found.opens_at_ms)
    told = msgspec.structs.replace(hours, available_now=found.now, next_opening=opens)
    return msgspec.structs.replace(shown, availability=told)
