"""What operators need of a database: its condition, copies of it, what stays erased."""
