"""Deeds about reports: to make one, to look after it, and what that opens."""
