"""chatd: a real-time message server for learning platforms."""

__version__ = "0.1.0"
