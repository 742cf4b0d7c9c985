"""The messages of the native HTTP API: one set of types for server and SDK. Times are UTC epoch seconds."""

from typing import Any

import msgspec

from cove.core.network import Connection, NetworkPolicy
from cove.core.ports import Isolation
from cove.core.quotas import InUse, Quota
from cove.core.results import Metrics
from cove.core.session import OnIdle
from cove.core.terminal import TerminalView
from cove.core.tool import Failure, Tool


class CreateSession(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/sessions. Absent values take the published defaults; with an `Idempotency-Key` it is safe to repeat."""

    image_id: str | None = None
    labels: dict[str, str] | None = None
    idle_timeout: float | None = None
    max_lifetime: float | None = None
    on_idle: OnIdle | None = None
    limits: dict[str, Any] | None = None
    reuse: bool = False
    network: dict[str, Any] | str | None = None


class SessionView(msgspec.Struct, kw_only=True):
    """A session as its owner sees it. `isolation` says, where one session is asked about, what its isolation lacks.

    `image_fingerprint` is a short name for what its image held when it was made; where that changes, so does the name.
    """

    session_id: str
    state: str
    image_id: str
    labels: dict[str, str]
    limits: dict[str, Any]
    idle_timeout: float
    max_lifetime: float
    created_at: float
    on_idle: str = "pause"
    idle_paused: bool = False
    network: NetworkPolicy | None = None
    end_reason: str | None = None
    ended_at: float | None = None
    image_fingerprint: str = ""
    resource_url: str = ""
    network_interface_ip: str = ""
    http_port: str = ""
    token: str = ""
    isolation: list[str] = []


class SessionPage(msgspec.Struct, kw_only=True):
    """GET /v1/sessions: newest first; `next_cursor` is empty on the last page."""

    sessions: list[SessionView]
    next_cursor: str = ""
    total: int


class Labels(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """PUT and GET /v1/sessions/{id}/labels: the whole map."""

    labels: dict[str, str]


class NetworkView(msgspec.Struct, kw_only=True):
    """GET and PUT /v1/sessions/{id}/network: what the session may reach now."""

    network: NetworkPolicy


class SetNetwork(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """PUT /v1/sessions/{id}/network: a policy, or a mode's name."""

    network: dict[str, Any] | str


class ConnectionList(msgspec.Struct, kw_only=True):
    """GET /v1/sessions/{id}/network/log: oldest first; `after` is what to ask for next."""

    connections: tuple[Connection, ...]
    after: int


class ToolList(msgspec.Struct, kw_only=True):
    """GET /v1/sessions/{id}/tools and /v1/images/{id}/tools."""

    tools: list[Tool]


class CallTool(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/sessions/{id}/tools/{name}. `text` asks for the text face too; the same `call_id` never runs twice."""

    arguments: dict[str, Any] = {}
    text: bool = False
    call_id: str | None = None


class ToolAnswer(msgspec.Struct, kw_only=True):
    """What a call gave: `structured` on success, `failure` otherwise, `text` where asked for (of either)."""

    structured: dict[str, Any] | None = None
    failure: Failure | None = None
    text: str | None = None


class CreateLink(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/sessions/{id}/links. `expires_in` is seconds; without it the link lives as long as its session."""

    port: Any = None
    protocol_type: str | None = None
    options: str | None = None
    expires_in: float | None = None


class LinkView(msgspec.Struct, kw_only=True):
    """A link that opens something: whoever has `url` may open it, append paths to it, and needs no key."""

    link_id: str
    url: str
    protocol: str
    port: int | None
    created_at: float
    expires_at: float | None = None


class LinkList(msgspec.Struct, kw_only=True):
    """GET /v1/sessions/{id}/links: oldest first."""

    links: list[LinkView]


class LinksRevoked(msgspec.Struct, kw_only=True):
    """DELETE /v1/sessions/{id}/links and …/links/{link_id}: how many links are open no more."""

    revoked: int


class TerminalList(msgspec.Struct, kw_only=True):
    """GET /v1/sessions/{id}/terminals: those that live, oldest first."""

    terminals: list[TerminalView]


class MetricsView(msgspec.Struct, kw_only=True):
    """GET /v1/sessions/{id}/metrics."""

    metrics: Metrics


class Usage(msgspec.Struct, kw_only=True):
    """One session's use of the machine; calls of tools are counted since the server started."""

    session: SessionView
    metrics: Metrics | None = None
    calls_running: int
    calls_total: int


class UsagePage(msgspec.Struct, kw_only=True):
    """GET /v1/usage: newest first; `next_cursor` is empty on the last page."""

    usage: list[Usage]
    next_cursor: str = ""
    total: int


class KeyView(msgspec.Struct, kw_only=True):
    """An API key without its secret; `prefix` is what is shown of it."""

    key_id: str
    tenant: str
    is_operator: bool
    prefix: str
    created_at: float
    revoked_at: float | None = None
    expires_at: float | None = None
    name: str = ""


class CreateKey(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/keys (operators only). `name` is a note of yours; without `expires_in` (seconds) it never expires."""

    tenant: str
    is_operator: bool = False
    name: str = ""
    expires_in: float | None = None


class RotateKey(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """POST /v1/keys/{id}/rotate (operators only): for `overlap` seconds, a day if absent, the old key works too."""

    overlap: float | None = None


class NewKey(msgspec.Struct, kw_only=True):
    """A key just made: the only time its secret is shown."""

    key: KeyView
    secret: str


class KeyList(msgspec.Struct, kw_only=True):
    """GET /v1/keys."""

    keys: list[KeyView]


class QuotaView(msgspec.Struct, kw_only=True):
    """A tenant's quota, that of `*` where it has none of its own, and what its living sessions have together."""

    tenant: str
    quota: Quota
    used: InUse


class QuotaList(msgspec.Struct, kw_only=True):
    """GET /v1/quotas: for an operator every tenant that has a quota or a session; else the tenant's own."""

    quotas: list[QuotaView]


class ImageList(msgspec.Struct, kw_only=True):
    """GET /v1/images: every id and alias."""

    images: list[str]


class Capabilities(msgspec.Struct, kw_only=True):
    """GET /capabilities: what this server is, what its isolation truly gives, and the network mode of new sessions."""

    version: str
    api: str
    isolation: Isolation
    network: str = ""


class Health(msgspec.Struct, kw_only=True):
    """GET /healthz. `is_background` if it goes when nobody needs it, `is_busy` while it serves requests."""

    status: str
    version: str
    pid: int
    url: str = ""
    is_background: bool = False
    is_busy: bool = False


class ErrorBody(msgspec.Struct, kw_only=True):
    """What stands in the body of every answer of 400 and above."""

    code: str
    message: str
    retryable: bool
    facts: dict[str, Any] = {}


class ErrorAnswer(msgspec.Struct, kw_only=True):
    """The body of every answer of 400 and above; the request id is in the `X-Request-Id` header, too."""

    error: ErrorBody
    request_id: str
