"""Rows of reports, which lie apart from everything that they are about."""
