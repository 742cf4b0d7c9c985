"""Tests of the client on its own; `tests/api` tests it on a Cove."""
