"""The native HTTP API: Litestar routes over the use cases. Nothing is decided here."""
