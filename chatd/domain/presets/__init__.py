"""The presets by name: a tenant's rules are one of these rows, and its own changes."""

from collections.abc import Mapping
from typing import Final

from chatd.domain.policy import Policy
from chatd.domain.presets.ispring import ISPRING_LIMITED, ISPRING_OPEN
from chatd.domain.presets.itslearning import ITSLEARNING
from chatd.domain.presets.moodle import MOODLE
from chatd.domain.presets.tutoring import TUTORING

PRESETS: Final[Mapping[str, Policy]] = {
    preset.name: preset
    for preset in (ISPRING_LIMITED, ISPRING_OPEN, ITSLEARNING, TUTORING, MOODLE)
}
