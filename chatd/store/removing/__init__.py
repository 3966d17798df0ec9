"""What goes beyond one row when something is removed, and where it could be left."""
