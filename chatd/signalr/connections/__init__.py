"""One client of a hub: `connection.py` is its life, the other modules are its parts.

Reading and its states are in the connection itself; what it sends is in `outbound.py`,
when something becomes due in `deadlines.py`, calls of the client in `results.py`.
"""
