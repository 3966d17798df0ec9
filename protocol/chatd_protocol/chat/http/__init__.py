"""The tables of routes, by who calls them, and the types that only these know."""
