"""What people do about each other: contacts and blocks."""
