"""The HTTP API: the rows of the contract's table, bound to actions."""
