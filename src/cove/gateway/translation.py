"""Heads on their way through: what a session's server is told of a request, and a browser of its answer. Pure.

The server believes that it is at `localhost:PORT`, which development servers trust, and so do its own pages, as far as
it hears of them: `Origin` and `Referer` of this origin say the same. What is ours stays ours, in both directions.
"""

import re

from cove.gateway.head import Fields, Pairs, Request, Response
from cove.gateway.places import OURS, Visit, without_cookie

_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)
_OF_THE_MESSAGE = _HOP_BY_HOP | {"content-length", "proxy-authenticate", "proxy-authorization"}
_TRANSLATED = ("Origin", "Referer", "Cookie")
_SAID_BY_US = _OF_THE_MESSAGE | {"host", "expect", "forwarded", "x-real-ip", "origin", "referer", "cookie"}
_FORWARDED = "x-forwarded-"
_NOT_THEIRS = _OF_THE_MESSAGE | {"service-worker-allowed", "clear-site-data", "alt-svc", "strict-transport-security"}
"""What would reach beyond this one answer: other paths' workers, our cookie, other hosts, other links of the domain."""
_LOCAL = re.compile(r"https?://(?:localhost|127\.0\.0\.1|\[::1\]):([0-9]+)(?=/|$)")
_COOKIE_DOMAIN = re.compile(r";\s*domain=[^;]*", re.IGNORECASE)


def is_upgrade(fields: Fields) -> bool:
    """Whether this is the beginning of a WebSocket; to nothing else do we change over."""
    return "upgrade" in fields.tokens("connection") and fields.tokens("upgrade") == {"websocket"}


def inward(request: Request, visit: Visit, port: int, peer: str) -> Pairs:
    """What the session's server is told, but for the framing of the body."""
    fields = [("Host", f"localhost:{port}"), *_kept(request.fields, _SAID_BY_US)]
    for name in _TRANSLATED:
        said = (_said_of_us(name.lower(), value, visit, port) for value in request.fields.all(name.lower()))
        fields += [(name, value) for value in said if value]
    fields += [("X-Forwarded-For", peer), ("X-Forwarded-Proto", visit.origin.partition(":")[0])]
    if not request.fields.first("origin"):  # frameworks compare the two, and only the Origin was translated
        fields.append(("X-Forwarded-Host", visit.origin.partition("//")[2]))
    if is_upgrade(request.fields):
        fields += [("Connection", "Upgrade"), ("Upgrade", "websocket")]
    return fields


def outward(response: Response, visit: Visit, port: int) -> Pairs:
    """What the client is told, but for the framing of the body."""
    return [
        (name, shown)
        for name, value in _kept(response.fields, _NOT_THEIRS)
        if (shown := _told_of_us(name.lower(), value, visit, port))
    ]


def _kept(fields: Fields, ours: frozenset[str]) -> Pairs:
    """Without what concerns one connection only, as its ends named it, and without `ours`."""
    dropped = ours | fields.tokens("connection")
    return [
        pair for pair in fields.pairs if (name := pair[0].lower()) not in dropped and not name.startswith(_FORWARDED)
    ]


def _said_of_us(name: str, value: str, visit: Visit, port: int) -> str:
    if name == "cookie":
        return without_cookie(value)
    if name == "origin":
        return f"http://localhost:{port}" if value == visit.origin else value
    if name == "referer":
        return _referer(value, visit, port)
    return ""


def _referer(value: str, visit: Visit, port: int) -> str:
    """Ours becomes the server's own, without a token that stands in it; another's is its own business."""
    if not value.startswith(f"{visit.origin}/"):
        return value
    path = value.removeprefix(visit.origin)
    return f"http://localhost:{port}{path.removeprefix(visit.prefix) if visit.prefix else path}"


def _told_of_us(name: str, value: str, visit: Visit, port: int) -> str:
    if name == "location":
        return _location(value, visit, port)
    if name == "set-cookie":
        return "" if value.partition("=")[0].strip() in OURS else _COOKIE_DOMAIN.sub("", value)
    return value


def _location(value: str, visit: Visit, port: int) -> str:
    """A redirect within the server leads back through the link."""
    found = _LOCAL.match(value)
    path = value[found.end() :] or "/" if found and int(found[1]) == port else value
    return f"{visit.prefix}{path}" if path.startswith("/") and not path.startswith("//") else path
