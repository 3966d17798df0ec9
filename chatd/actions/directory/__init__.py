"""What a platform tells about its people, rosters and tenants, taken in at once."""
