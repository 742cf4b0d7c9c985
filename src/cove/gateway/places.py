"""Where links live: whether a request came to an origin of ours, and which token it carries there. Pure.

On this machine each session has a loopback address of its own, and a link is `http://ADDRESS:PORT/_cove/TOKEN/`. A
program appends paths to that. A browser is given the token as a cookie of that address and sent to the clean path, so
that a page finds its own absolute paths. Below a wildcard host, the token is the host's first label.
"""

import re
from collections.abc import Callable
from functools import partial
from urllib.parse import parse_qsl, urlsplit

import msgspec

from cove.core.errors import LinkRefused
from cove.core.ids import SessionId
from cove.core.link import LINK_PATH
from cove.gateway.head import HttpError, Request

COOKIE = "cove_link"
VISITED = "cove_session"
"""The cookie that says whose pages the browser has seen at this address; a later session may come to live there."""
OURS = frozenset({COOKIE, VISITED})
TOOL_PATH = "/callTool"
_TOKEN = re.compile(r"[0-9a-z-]{16,63}")
_PREFIXED = re.compile(rf"{re.escape(LINK_PATH)}([0-9a-z-]+)(?:(/.*)|(\?.*)|)")
_TRUSTED_SITES = frozenset({"", "same-origin", "none"})
"""What `Sec-Fetch-Site` may say of a request that the cookie lets in: our own pages, or the user's typing."""


class Misdirected(Exception):  # noqa: N818 - named by what happened
    """The request names a host that is none of ours: a stranger's name that leads here."""


class Visit(msgspec.Struct, frozen=True):
    """What a request asks for: `target` is the path inside, `origin` the browser's name of this place.

    `prefix` is the path that stood before `target`; `is_tool_call` for the one path that the gateway answers itself.
    """

    token: str
    target: str
    host: str
    origin: str
    prefix: str = ""
    is_tool_call: bool = False


Place = Callable[[Request, str], Visit]
"""Takes a request, and the local end of its connection as ADDRESS:PORT; raises HttpError, Misdirected, LinkRefused."""


def on_loopback(scheme: str = "http") -> Place:
    """Visits to sessions' own loopback addresses."""
    return partial(_visit_loopback, scheme)


def _visit_loopback(scheme: str, request: Request, local: str) -> Visit:
    if _host(request) != local:
        raise Misdirected
    host, origin = local.rpartition(":")[0], f"{scheme}://{local}"
    if prefixed := _PREFIXED.fullmatch(request.target):
        token, path, query = prefixed.groups()
        return Visit(_checked(token), path or f"/{query or ''}", host, origin, prefix=f"{LINK_PATH}{token}")
    if token := _cookie(request):
        _refuse_strangers(request, origin)
        return Visit(_checked(token), request.target, host, origin)
    if request.target.partition("?")[0] == TOOL_PATH:
        return Visit(
            _checked(query_of(request.target).get("token", "")), request.target, host, origin, is_tool_call=True
        )
    raise LinkRefused(problem="it carries no token")


def below_wildcard(wildcard: str) -> Place:
    """Visits to `https://*.DOMAIN[:PORT]`, behind a proxy that hands the Host on."""
    parts = urlsplit(wildcard)
    suffix = (parts.hostname or "").removeprefix("*")

    def visit(request: Request, _: str) -> Visit:
        host = _host(request).lower()
        label, found, _rest = host.partition(suffix)
        if not found or _rest.partition(":")[0] or not _TOKEN.fullmatch(label):
            raise Misdirected
        return Visit(label, request.target, f"{label}{suffix}", f"{parts.scheme}://{host}")

    return visit


def is_navigation(request: Request) -> bool:
    """Whether a browser opens this as a page of its own, in a tab."""
    if request.method != "GET":
        return False
    if mode := request.fields.first("sec-fetch-mode"):
        return mode == "navigate" and request.fields.first("sec-fetch-dest") == "document"
    return request.fields.first("upgrade-insecure-requests") == "1"


def has_visited(request: Request, session_id: SessionId) -> bool:
    """Whether what the browser keeps for this address is of this session."""
    return _cookie(request, VISITED) == session_id


def without_cookie(cookies: str) -> str:
    """A `Cookie` header without ours, which are no business of the session's.

    >>> without_cookie("a=1; cove_link=t0ken; b=2")
    'a=1; b=2'
    """
    return "; ".join(each for each in cookies.split("; ") if each.partition("=")[0].strip() not in OURS)


def query_of(target: str) -> dict[str, str]:
    """The query's fields; of one given twice, the first."""
    pairs = parse_qsl(target.partition("?")[2], keep_blank_values=True, max_num_fields=64)
    return dict(reversed(pairs))


def _host(request: Request) -> str:
    hosts = request.fields.all("host")
    if len(hosts) != 1:
        raise HttpError("not exactly one Host")
    return hosts[0]


def _cookie(request: Request, wanted: str = COOKIE) -> str:
    pairs = (pair.strip().partition("=") for each in request.fields.all("cookie") for pair in each.split(";"))
    return next((value for name, _, value in pairs if name == wanted), "")


def _checked(token: str) -> str:
    if not _TOKEN.fullmatch(token):
        raise LinkRefused(problem="it carries no token")
    return token


def _refuse_strangers(request: Request, origin: str) -> None:
    """The browser adds the cookie to whatever any page sends here: only this origin's own pages may use it."""
    site, sender = request.fields.first("sec-fetch-site"), request.fields.first("origin")
    if site not in _TRUSTED_SITES or sender not in ("", origin):
        raise LinkRefused(problem="a page of another origin sent this")
