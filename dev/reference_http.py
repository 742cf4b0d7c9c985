"""The reference page of the HTTP API, from the OpenAPI document that the server serves at /v1/openapi.json."""

import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, get_args

import msgspec

from cove.core import terminal
from cove.server.http import terminals
from cove.server.http.routes import build_routes
from reference_tables import fields_table, table


@asynccontextmanager
async def _never(_: Any) -> AsyncIterator[None]:
    yield


def document() -> dict[str, Any]:
    """The OpenAPI document."""
    return build_routes(_never, frozenset()).openapi_schema.to_schema()


def _shape(content: dict[str, Any]) -> str:
    for body in content.values():
        return f"`{body['schema'].get('$ref', 'text').rpartition('/')[2]}`"
    return "nothing"


def _route(method: str, path: str, route: dict[str, Any]) -> str:
    wanted = [f"`{each['name']}` ({each['in']})" for each in route.get("parameters", []) if each["in"] != "path"]
    lines = [f"\n### `{method.upper()} {path}`\n\n{route.get('description', '')}\n\n"]
    if wanted:
        lines.append(f"- takes {', '.join(wanted)}\n")
    if "requestBody" in route:
        lines.append(f"- body: {_shape(route['requestBody']['content'])}\n")
    for status, answer in sorted(route["responses"].items()):
        if int(status) < 400:
            lines.append(f"- answers {status}: {_shape(answer.get('content', {}))}\n")
    refusals = [status for status in sorted(route["responses"]) if int(status) >= 400]
    if refusals:
        lines.append(f"- refuses with {', '.join(refusals)}\n")
    return "".join(lines)


def sockets() -> str:
    """What the document cannot say: the WebSockets, and what passes on them."""
    _, schemas = msgspec.json.schema_components(
        [terminal.OpenTerminal, *get_args(terminal.Said), *get_args(terminal.Heard)], ref_template="{name}"
    )
    parts = ["\n## WebSockets\n\n### `GET /v1/sessions/{session_id}/terminal`\n\n"]
    parts.append(inspect.cleandoc(terminals.__doc__ or "") + "\n")
    for name, schema in schemas.items():
        tag = schema["properties"].pop("type", {}).get("enum", [""])[0]
        title = f"`{tag}`" if tag else "What the query asks for"
        parts.append(f"\n**{title}.** {schema.get('description', name)}\n")
        parts.append("\n" + fields_table(schema) if schema["properties"] else "")
    return "".join(parts)


def http_page() -> str:
    """Every route and every message."""
    spec = document()
    parts = ["# HTTP API\n\nThe server's own OpenAPI document stands at `/v1/openapi.json`.\n"]
    parts.append("Over TCP every route below `/v1` wants `Authorization: Bearer KEY`. Times are UTC epoch seconds.\n")
    parts.append(
        "Every answer has an `X-Request-Id`; one of 400 and above has an `ErrorAnswer` as its body.\n\n## Routes\n"
    )
    parts += [_route(method, path, route) for path, item in spec["paths"].items() for method, route in item.items()]
    parts.append(sockets())
    parts.append("\n## Messages\n")
    for name, schema in sorted(spec["components"]["schemas"].items()):
        parts.append(f"\n### {name}\n\n{schema.get('description') or schema.get('title', '')}\n\n")
        parts.append(
            fields_table(schema)
            if "properties" in schema
            else table(("value",), [(f"`{value}`",) for value in schema.get("enum", [])])
        )
    return "".join(parts)
