"""The presets by name: a tenant's rules are one of these rows."""

from chatd.domain.presets.itslearning import ITSLEARNING

PRESETS = {"itslearning": ITSLEARNING}
