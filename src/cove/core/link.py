"""What a link is: which ports it may lead to, the token that opens it, and the address that keeps sessions apart.

A session's pages are hostile to those of every other, so each session has loopback addresses of its own, one for each
port: a browser keeps cookies by host. Or the operator has a wildcard host, and each link a name under it.
"""

import hashlib
import hmac
import ipaddress
import re
from enum import StrEnum
from typing import Any

import msgspec

from cove.core.errors import InvalidPort, LinkRefused
from cove.core.ids import LinkId, SessionId, base32

FIRST_PORT, LAST_PORT = 30100, 30199
LINK_PATH = "/_cove/"
"""Below this stands the token, on a loopback address; what follows the token is the path inside."""
_NAME_LETTERS, _MAC_BYTES = 17, 20
_TOKEN = re.compile(r"[ls][0-9a-z]{48}")
_DOORS = LAST_PORT - FIRST_PORT + 2
"""Addresses of one session: one for each port, and one for its tools."""
_FIRST_ADDRESS = 127 << 24 | 1 << 16
_ADDRESSES = (128 << 24) - 256 - _FIRST_ADDRESS
"""127.1.0.0 and what follows: the machine's own services are below, and the broadcast address above."""


class Protocol(StrEnum):
    """What a link is asked for; its scheme follows the gateway's: `https` gives http:// where there is no TLS."""

    HTTPS = "https"
    WSS = "wss"


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the store. Times are UTC epoch seconds; without `expires_at` it lives as long as its session."""

    id: LinkId
    session_id: SessionId
    port: int | None
    protocol: Protocol
    created_at: float
    expires_at: float | None = None
    revoked_at: float | None = None


class LinkPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where a gateway serves links: `port` on each session's loopback address, or under `https://*.DOMAIN`.

    `is_secure` where it speaks TLS itself.
    """

    port: int
    wildcard: str = ""
    is_secure: bool = False


def host_of(place: LinkPlace, address: str, token: str) -> str:
    """The host at which a link's pages are an origin: its own address, or the link's name, with no port."""
    if not place.wildcard:
        return address
    return place.wildcard.partition("://")[2].partition(":")[0].replace("*", token, 1)


def check_port(port: Any) -> int:
    """Give the port back if a link may lead there; raises InvalidPort, in the words that AgentBay's scripts look for.

    >>> check_port(30150)
    30150
    """
    if isinstance(port, bool) or not isinstance(port, int) or not FIRST_PORT <= port <= LAST_PORT:
        raise InvalidPort(value=port)
    return port


def link_token(secret: bytes, link: Link, generation: int) -> str:
    """The token of a link: its id and a MAC, in letters that a host name may have. Never stored."""
    return _token(secret, link.id, (link.session_id, link.port, generation))


def session_token(secret: bytes, session_id: SessionId, generation: int) -> str:
    """The token with which a session's own tools are called through the gateway; it opens no port, no other session."""
    return _token(secret, session_id, (generation,))


def _token(secret: bytes, name: str, facts: tuple[Any, ...]) -> str:
    digest = hmac.digest(secret, msgspec.json.encode((name, *facts)), "sha256")
    return name.replace("-", "", 1) + base32(digest[:_MAC_BYTES])


def claimed_by(token: str) -> LinkId | SessionId:
    """What a token claims to open, still unproven: `l-…` or `s-…`; raises LinkRefused for what is no token.

    >>> claimed_by("s" + 16 * "0" + 32 * "z")
    's-0000000000000000'
    """
    if not _TOKEN.fullmatch(token):
        raise LinkRefused(problem="it carries no token")
    name = f"{token[0]}-{token[1:_NAME_LETTERS]}"
    return LinkId(name) if token.startswith("l") else SessionId(name)


def is_same(token: str, expected: str) -> bool:
    """Whether two tokens are equal, told in a time that tells nothing about them."""
    return hmac.compare_digest(token.encode(), expected.encode())


def loopback_address(session_id: SessionId, port: int | None, *, slot: int, slots: int) -> str:
    """The address on this machine at which a session's port is an origin of its own; None for the session's tools.

    It outlives restarts. A living session's slot tells it from all others; a part of the id's hash makes it unlikely
    that a later session in the same slot meets what a browser kept of an earlier one.

    >>> loopback_address(SessionId("s-0"), 30100, slot=0, slots=1024)
    '127.188.204.0'
    """
    door = _DOORS - 1 if port is None else port - FIRST_PORT
    digest = int.from_bytes(hashlib.sha256(session_id.encode()).digest()[:8])
    variant = digest % (_ADDRESSES // (slots * _DOORS))
    number = _FIRST_ADDRESS + (variant * slots + slot) * _DOORS + door
    return ".".join(str(byte) for byte in number.to_bytes(4))


def is_link_address(address: str) -> bool:
    """Whether this may be the loopback address of some link, and so of nothing else here.

    >>> is_link_address("127.1.0.0"), is_link_address("127.0.0.1"), is_link_address("::1"), is_link_address("x")
    (True, False, False, False)
    """
    try:
        number = int(ipaddress.IPv4Address(address))
    except ValueError:
        return False
    return _FIRST_ADDRESS <= number < _FIRST_ADDRESS + _ADDRESSES


def link_url(place: LinkPlace, address: str, token: str, protocol: Protocol) -> str:
    """What a user opens, or appends paths to; `address` is the link's own.

    >>> link_url(LinkPlace(port=7718), "127.128.0.1", "t0ken", Protocol.WSS)
    'ws://127.128.0.1:7718/_cove/t0ken/'
    >>> link_url(LinkPlace(port=7718, wildcard="https://*.links.example.org"), "127.128.0.1", "t0ken", Protocol.HTTPS)
    'https://t0ken.links.example.org/'
    """
    if not place.wildcard:
        scheme = "ws" if protocol is Protocol.WSS else "http"
        return f"{scheme}{'s' if place.is_secure else ''}://{address}:{place.port}{LINK_PATH}{token}/"
    scheme, _, host = place.wildcard.partition("://")
    scheme = scheme.replace("http", "ws") if protocol is Protocol.WSS else scheme
    return f"{scheme}://{host.replace('*', token, 1)}/"
