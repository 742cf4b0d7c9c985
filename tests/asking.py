"""Clients of a server's HTTP doors that speak no TLS."""

import ssl
from pathlib import Path
from typing import Any

import httpx2

PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""How to verify for a client that speaks no TLS: else each reads the list of all authorities, which takes 30 ms."""


def at_socket(path: str | Path, **options: Any) -> httpx2.Client:
    """A client of the local door; `options` are httpx2's. It waits a minute for an answer."""
    transport = httpx2.HTTPTransport(uds=str(path), verify=PLAIN)
    return httpx2.Client(transport=transport, base_url="http://cove", **{"timeout": 60, **options})
