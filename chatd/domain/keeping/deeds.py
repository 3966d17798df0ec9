"""What goes into the audit trail, by name: `noun.what_happened`.

docs/operating.md says how to read them.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

Deed = Literal[
    "policy.changed",
    "person.rights_changed",
    "person.acted_for",
    "person.sessions_ended",
    "person.preferences_read",
    "person.preferences_changed",
    "person.exported",
    "person.erased",
    "contact.changed",
    "block.set",
    "block.lifted",
    "message.removed",
    "message.edits_read",
    "mass.sent",
    "conversation.deleted",
    "conversation.restored",
    "conversation.read",
    "conversations.listed",
    "hold.set",
    "hold.lifted",
    "holds.read",
    "vault.read",
    "audit.read",
    "reports.read",
    "report.resolved",
    "held_messages.read",
    "held_message.decided",
]

DEEDS: Final[Mapping[Deed, str]] = MappingProxyType(
    {
        "policy.changed": "The rules of the tenant were changed; the keys are named.",
        "person.rights_changed": (
            "The directory gave or took roles, privileges, messaging or access."
        ),
        "person.acted_for": (
            "A service acted as a person: once an hour for each gateway."
        ),
        "person.sessions_ended": "A person was logged out everywhere.",
        "person.preferences_read": "An administrator looked at somebody's preferences.",
        "person.preferences_changed": "An administrator changed them.",
        "person.exported": "Everything about a person was handed out.",
        "person.erased": "A person's texts, names and files were taken away for good.",
        "contact.changed": (
            "Somebody asked to be a contact, or answered, or ended it: now `state`."
        ),
        "block.set": "Somebody blocked a person.",
        "block.lifted": "Somebody blocks a person no more.",
        "message.removed": "Staff removed somebody else's message.",
        "message.edits_read": "Somebody looked at what a message said before.",
        "mass.sent": (
            "Somebody sent to many; `unit` is in whose name, if not in one's own."
        ),
        "conversation.deleted": "Staff deleted a conversation for everybody.",
        "conversation.restored": "A deletion was undone through a report.",
        "conversation.read": "Staff read a conversation that they are not in.",
        "conversations.listed": "Staff looked at a person's list of conversations.",
        "hold.set": "A legal hold was put on a conversation or a person.",
        "hold.lifted": "A legal hold was lifted.",
        "holds.read": "Somebody looked at the legal holds.",
        "vault.read": "Somebody looked at what was removed and is still kept.",
        "audit.read": "Somebody looked at this trail.",
        "reports.read": "Somebody looked at reports or their evidence.",
        "report.resolved": "A report was decided.",
        "held_messages.read": "Somebody looked at messages that wait for review.",
        "held_message.decided": "A message that waited was let through or refused.",
    }
)
"""What each name means."""
