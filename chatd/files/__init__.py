"""Bytes of files: where they lie, what they are, what a picture shows."""
