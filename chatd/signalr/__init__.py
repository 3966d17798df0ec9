"""A complete SignalR server that knows nothing of chat.

Read `mounting.py` for how to serve a hub, `hub.py` for what a hub is, `connections/`
for the life of one client, `dispatch.py` for its calls.
"""
