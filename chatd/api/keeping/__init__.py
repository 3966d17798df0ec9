"""Answers of routes of those who answer for a school that are no JSON object."""
