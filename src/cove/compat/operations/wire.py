"""A request and an answer of any dialect, without the transport that carries them."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from cove.compat.operations.service import Service
from cove.core.errors import CoveError


class WireRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request. `query` and `form` are decoded, the first of a repeated name wins; header names are in lower case.

    `form` is the body, where the dialect's bodies are forms.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    form: Mapping[str, str] = {}
    request_id: str


class WireAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer, whose body is JSON."""

    status: int
    body: bytes
    headers: Mapping[str, str] = {}


class Dialect(Protocol):
    """A codec: routing, casing and envelope of one wire. It translates and never decides."""

    name: str
    reads_forms: bool

    def claims(self, method: str, path: str, query: str) -> bool:
        """Whether a request is in this dialect; `query` is still encoded."""

    def subject(self, request: WireRequest) -> str:
        """What the request asks for, as a log may show it: an action's name, or a path; no secret, no identifier."""

    async def answer(self, service: Service, request: WireRequest) -> WireAnswer:
        """Do what is asked; raises any CoveError."""

    def refuse(self, error: CoveError, request: WireRequest) -> WireAnswer:
        """The answer that tells this dialect's clients of an error."""
