"""Deeds of those who answer for a school: what they look at, keep and take away."""
