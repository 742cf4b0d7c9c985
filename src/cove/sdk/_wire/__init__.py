"""Requests and answers as data, one function for each operation: no I/O here."""
