"""Every SQL statement of the server. Store functions take a transaction and no more."""
