"""Mass messages as rows: who is meant, and how far each has come."""
