"""The HTTP side: bounds on requests, upgrades, and the two HTTP transports."""
