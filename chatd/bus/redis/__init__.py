"""Announcements from gateway to gateway through Redis, alone or as a Cluster."""
