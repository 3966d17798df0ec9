"""What people and platforms do: one function for each deed."""
