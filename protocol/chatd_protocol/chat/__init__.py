"""The chat contract as types: objects, requests, results, events, methods and errors.

These Python types are the source of the published contract: JSON Schema, OpenAPI,
AsyncAPI and TypeScript are generated from them. JSON names are camelCase; absent
optional fields are left out and `null` is read as absent; times are RFC 3339 UTC
strings with milliseconds in both encodings.
"""
