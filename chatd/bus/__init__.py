"""Committed events from gateway to gateway; today from the store to this process."""
