"""SQLite underneath the store: one writer with group commit, readers, migrations."""
