"""Every place in the database where something that a person wrote can lie.

One table for whoever has to find it all: removal, erasure, export, and the tests that
look for what was left. A new column with words in it belongs here (a test compares this
with the schema), and with it the answer to how its words go.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

WORDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "message": ("text", "links_json", "attachments_json"),
        "held_message": ("text", "links_json", "attachments_json"),
        "attachment": ("name", "alt"),
        # And in what the engine makes of it to find them: `search_index`.
        "search_entry": ("words",),
        "vault": ("text", "attachments_json"),
        "vault_file": ("name", "alt"),
        "conversation": ("title",),
        "conversation_title": ("title",),
        "conversation_person": ("draft",),
        "report": ("text",),
        "report_case": ("note",),
        "report_evidence": ("evidence_json",),
    }
)
"""Table → columns in which people's own words lie, or what was made of them."""

FACTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "tenant": ("name", "preset", "policy_changes_json"),
        "person": (
            "name",
            "name_folded",
            "roles_json",
            "title",
            "email",
            "avatar_url",
            "language",
            "accepts",
            "details_json",
        ),
        "acquaintance": ("contact",),
        "roster": ("name", "name_folded", "url", "details_json"),
        "message": ("digest", "notice"),
        "held_message": ("sorts_json", "digest"),
        "flagged_message": ("sorts_json",),
        "attachment": ("media_type", "blob"),
        "vault_file": ("media_type", "blob"),
        "hold": ("name",),
        "lease": ("name", "holder"),
        "search_entry": ("scope",),
        "doomed_blob": ("blob",),
        "request": ("digest", "result_json"),
        "log": ("data_json",),
        "report": ("reason",),
        "report_case": ("decision", "destination"),
        "erasure": ("data_json",),
        # Never erased: hashes and codes, and ids that mean nothing without the person.
        "audit": ("deed", "facts_json", "hash"),
        "audit_head": ("hash",),
        "meta": ("name", "value"),
        "migration": ("name", "checksum"),
    }
)
"""Table → columns with what the platform says of people and things, or what we note:
ids, counts, hashes. They go with the person or the thing, not with what was said."""
