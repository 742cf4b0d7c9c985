"""The Python client: `_async` is the source, `_sync` is generated from it, `_wire` says what goes over the line."""
