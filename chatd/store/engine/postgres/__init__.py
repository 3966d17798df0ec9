"""PostgreSQL underneath the store: a pool that reads, and lanes that write together."""
