"""What a tool looks like from outside, and what a call of it gives."""

from enum import StrEnum
from typing import Any

import msgspec


class AnsweredBy(StrEnum):
    """Who runs a tool: the guest inside the sandbox, or the node, for what the guest must not be trusted with."""

    GUEST = "guest"
    NODE = "node"


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """One MCP tool. `server` is AgentBay's name for its family; `example` is a set of arguments that works."""

    name: str
    family: str
    server: str
    description: str
    input_schema: dict[str, Any]
    output_schema: dict[str, Any]
    example: dict[str, Any] = {}
    answered_by: AnsweredBy = AnsweredBy.GUEST


class Failure(msgspec.Struct, frozen=True):
    """Why a tool failed: `code` is for programs, `message` is the sentence."""

    code: str
    message: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a call gave: the structured result, or a failure. `structured` has the shape of the tool's output schema."""

    structured: dict[str, Any] | None = None
    failure: Failure | None = None
