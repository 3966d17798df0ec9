"""The HTTP side: the listener with its bounds, upgrades, and the two HTTP transports."""
