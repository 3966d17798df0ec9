"""What two people have done about each other."""
