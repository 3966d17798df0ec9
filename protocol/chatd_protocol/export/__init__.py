"""The published contract, generated from the Python types and the route table.

`python -m chatd_protocol.export` writes what `published.py` lists: JSON Schema,
OpenAPI, AsyncAPI, TypeScript and the tables of `protocol/SPEC.md`; with `--check` it
names what is stale. The results are committed, and they travel inside the package.
"""
