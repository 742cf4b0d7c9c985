"""The codec as a whole: which requests are AGB's, whose they are, and what they ask for."""

import re
from collections.abc import Mapping
from typing import Any

from cove.compat.agb.answers import counts_of, data_of, envelope
from cove.compat.agb.refusals import refusal
from cove.compat.agb.requests import read_body, read_request
from cove.compat.operations import ENDPOINTS, Operation, Service, WireAnswer, WireRequest
from cove.core.errors import CoveError, InvalidInput, KeyInvalid, NotFound

_SLASHES = re.compile("/+")
_CALL = "POST /mcp"
_FAMILIES = frozenset(endpoint.split("/")[1] for endpoint in ENDPOINTS)
"""What AGB's paths begin with; whatever else begins so is answered in this dialect too."""


class Agb:
    """Implements `cove.compat.operations.Dialect`."""

    name = "agb"
    reads_forms = False

    def claims(self, method: str, path: str, query: str) -> bool:
        """Whatever comes to a path of AGB's families."""
        return _plain(path).split("/")[1] in _FAMILIES

    def subject(self, request: WireRequest) -> str:
        """The endpoint, if it is one."""
        endpoint = _endpoint(request)
        return endpoint if endpoint in ENDPOINTS else "an unknown endpoint"

    async def answer(self, service: Service, request: WireRequest) -> WireAnswer:
        """Do what the path says; who asks must be known before anything is read."""
        caller = await service.caller(_secret(request.headers))
        operation = _operation(request)
        fields: dict[str, Any] = {**request.query, **read_body(request.body)}
        _check_no_mcp(fields)
        answer = await operation.run(service, caller, read_request(operation, fields, request.request_id))
        return envelope(request.request_id, data_of(operation, answer), counts_of(answer))

    def refuse(self, error: CoveError, request: WireRequest) -> WireAnswer:
        """The envelope that a client shows, with the code that it may look for."""
        return refusal(error, request.request_id, calls_tool=_endpoint(request) == _CALL)


def _plain(path: str) -> str:
    """The path without what an endpoint that ends in a slash puts there.

    >>> _plain("//mcp/createSession")
    '/mcp/createSession'
    """
    return "/" + _SLASHES.sub("/", path).strip("/")


def _endpoint(request: WireRequest) -> str:
    return f"{request.method} {_plain(request.path)}"


def _operation(request: WireRequest) -> Operation:
    endpoint = _endpoint(request)
    if endpoint in ENDPOINTS:
        return ENDPOINTS[endpoint]
    path = _plain(request.path)
    for method in ("GET", "POST"):
        if f"{method} {path}" in ENDPOINTS:
            raise InvalidInput(name="method", value=request.method, remedy=f"send {method} to {path}")
    raise NotFound(
        reason=f"no endpoint {endpoint[:80]!r}; this Cove knows {len(ENDPOINTS)}, as its reference lists them"
    )


def _secret(headers: Mapping[str, str]) -> str:
    shown = headers.get("authorization", "").strip()
    if not shown:
        raise KeyInvalid(problem="missing")
    scheme, _, secret = shown.partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise KeyInvalid(problem="not sent as `Authorization: Bearer KEY`")
    return secret.strip()


def _check_no_mcp(fields: Mapping[str, Any]) -> None:
    """Tell a client of the Model Context Protocol, which looks for it at `/mcp`, that this is something else."""
    if "jsonrpc" in fields:
        raise InvalidInput(name="jsonrpc", value=fields["jsonrpc"], remedy="this path speaks AGB's JSON, and not MCP")
