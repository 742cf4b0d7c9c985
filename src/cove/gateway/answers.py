"""What the gateway itself answers: refusals with a sentence, and the page that turns a link into a cookie. Pure."""

import html
import json
from typing import Any

from cove.core import errors
from cove.core.ids import SessionId
from cove.gateway.head import Pairs, write_response
from cove.gateway.places import COOKIE, VISITED, Visit

STATUSES: dict[type[errors.CoveError], int] = {
    errors.LinkRefused: 403,
    errors.LinkExpired: 410,
    errors.LinkRevoked: 410,
    errors.SandboxGone: 410,
    errors.SessionNotFound: 404,
    errors.NotFound: 404,
    errors.InvalidInput: 400,
    errors.WrongState: 409,
    errors.Refused: 403,
    errors.Exhausted: 503,
    errors.NothingListening: 502,
    errors.GuestSilent: 504,
    errors.SandboxFailed: 502,
    errors.CoveError: 500,
}
"""Like the API's, but for what a gateway calls by a name of its own (502, 504)."""
_REASONS = {
    200: "OK",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    410: "Gone",
    421: "Misdirected Request",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
_RETRY_SECONDS = 2
_VISITED_SECONDS = 31 * 86400
"""Longer than a session can live."""
_OURS: Pairs = [
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
]
_PAGE = """<!doctype html><meta charset="utf-8"><title>{title}</title>{more}
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:40em;margin:15vh auto;padding:0 1em;color:#333}}
h1{{font-size:1.3em}}</style><h1>{title}</h1><p>{text}</p>
"""


def status_of(error: errors.CoveError) -> int:
    """The status of the nearest class in the table."""
    return next(STATUSES[cls] for cls in type(error).__mro__ if cls in STATUSES)


def refusal(status: int, sentence: str, *, as_page: bool, is_retryable: bool = False) -> bytes:
    """A refusal, after which the connection ends: a page for a browser, a line of text for a program."""
    retry = [("Retry-After", str(_RETRY_SECONDS))] if is_retryable else []
    if as_page:
        return _answer(status, _page(f"{status} {_REASONS[status]}", html.escape(sentence)), "text/html", retry)
    return _answer(status, f"{sentence}\n", "text/plain", retry)


def speaks_tls() -> bytes:
    """The answer to a request in plain HTTP where TLS is spoken."""
    return refusal(400, "this port speaks TLS: write https:// in place of http://", as_page=False)


def refused(error: errors.CoveError, *, as_page: bool) -> bytes:
    """The refusal that an error deserves."""
    return refusal(status_of(error), str(error), as_page=as_page, is_retryable=error.retryable)


def handing_over(visit: Visit, session_id: SessionId, *, is_known: bool) -> bytes:
    """A page that gives the browser the cookie and sends it to the clean path.

    Unless it is known here, the browser forgets what an earlier session has left at this address, and above all its
    service workers, which would answer in the name of this one.

    Not a redirect: after one, a browser that came from another site sends no `SameSite=Strict` cookie, and it would
    hand the address with the token on as the `Referer`.
    """
    path = "/" + visit.target.lstrip("/\\").replace("\\", "%5C")  # two slashes would name another host
    more = f'<meta http-equiv="refresh" content="0;url={html.escape(path)}">'
    secure = "; Secure" if visit.origin.startswith("https:") else ""
    cookie = f"{COOKIE}={visit.token}; Path=/; HttpOnly; SameSite=Strict{secure}"
    page = _page("Opening…", f'<a href="{html.escape(path)}">Go on</a>', more)
    visited = f"{VISITED}={session_id}; Path=/; HttpOnly; SameSite=Lax; Max-Age={_VISITED_SECONDS}{secure}"
    forgotten = [] if is_known else [("Clear-Site-Data", '"storage"')]
    return _answer(200, page, "text/html", [("Set-Cookie", cookie), ("Set-Cookie", visited), *forgotten])


def tool_result(result: dict[str, Any]) -> bytes:
    """The answer to `GET /callTool`."""
    return _answer(200, json.dumps(result), "application/json", [])


def tool_refused(error: errors.CoveError) -> bytes:
    """The same, where no tool ran: the shape that clients of this route read, and the status for everybody else."""
    result = {"content": [{"type": "text", "text": str(error)}], "isError": True}
    return _answer(status_of(error), json.dumps(result), "application/json", [])


def _page(title: str, text: str, more: str = "") -> str:
    return _PAGE.format(title=title, text=text, more=more)


def _answer(status: int, body: str, kind: str, fields: Pairs) -> bytes:
    data = body.encode()
    of_body = [("Content-Type", f"{kind}; charset=utf-8"), ("Content-Length", str(len(data))), ("Connection", "close")]
    return write_response(status, _REASONS[status], [*of_body, *_OURS, *fields]) + data
