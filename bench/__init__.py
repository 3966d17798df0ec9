"""Measurements of the running server; none of them is a test."""
