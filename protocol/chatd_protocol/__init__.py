"""The wire of chatd, for both ends of it: values and bytes, nothing else.

Packages here perform no I/O, start no tasks and read no clock, so that the server, the
Python client and the tests can all stand on the same code. `signalr` holds the SignalR
protocol, `chat` the chat contract's types, `export` makes schemas from them.
"""
