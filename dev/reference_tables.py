"""The reference pages of tools, errors, settings and limits."""

import inspect
import json
import re
from typing import Any

import msgspec

from cove.app.settings import VARIABLES, Settings
from cove.core.errors import CoveError
from cove.core.limits import MIB, Limits
from cove.guest.tools import catalogue
from cove.server.http.failures import status_of


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def sentence(thing: object) -> str:
    """The first paragraph of a docstring, on one line."""
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())


def type_of(schema: dict[str, Any]) -> str:
    """A JSON schema in a word or two."""
    if "enum" in schema:
        return ", ".join(json.dumps(value) for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(type_of(each) for each in schema["anyOf"])
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if schema.get("type") == "array":
        return f"list of {type_of(schema.get('items', {}))}"
    if "additionalProperties" in schema and isinstance(schema["additionalProperties"], dict):
        return f"map to {type_of(schema['additionalProperties'])}"
    return str(schema.get("type", "any"))


def fields_table(schema: dict[str, Any]) -> str:
    """The fields of an object schema, each with its default, or that it must be given."""
    needed = schema.get("required", [])
    rows = []
    for name, field in schema.get("properties", {}).items():
        default = "required" if name in needed else f"`{json.dumps(field.get('default'))}`"
        rows.append((f"`{name}`", type_of(field), default, field.get("description", "")))
    return table(("name", "type", "default", ""), rows) if rows else "None.\n"


def tools_page() -> str:
    """Every tool."""
    parts = ["# Tools\n\nWhat a session offers, in the order in which the examples work in a fresh one.\n"]
    for tool in catalogue():
        parts.append(f"\n## `{tool.name}`\n\n{tool.description}\n")
        parts.append(f"\nFamily `{tool.family}`, server `{tool.server}`, answered by the {tool.answered_by}.\n")
        parts.append(f"\n**Arguments**\n\n{fields_table(tool.input_schema)}")
        gives = " or ".join(f"`{name}`" for name in tool.output_schema.get("properties", {}))
        parts.append(f"\n**Gives** {gives.replace(' or ', ', ')}.\n")
        parts.append(f"\n**Example** `{json.dumps(tool.example)}`\n")
    return "".join(parts)


def error_classes(cls: type[CoveError] = CoveError) -> list[type[CoveError]]:
    """The tree, depth first, in the order of definition."""
    found = [cls]
    for child in cls.__subclasses__():
        if child.__module__ == "cove.core.errors":
            found += error_classes(child)
    return found


def errors_page() -> str:
    """Every error."""
    intro = (
        "# Errors\n\nOne tree. An error's keyword arguments are its facts (`error.facts`), `str(error)` is the "
        "sentence, `error.code` its name on the wire; `error.retryable` says whether the same request may succeed "
        "later.\n\n"
    )
    drawing = (inspect.getdoc(inspect.getmodule(CoveError)) or "").split("\n\n")[1]
    rows = []
    for cls in error_classes():
        retry = "yes" if cls.retryable else ""
        rows.append((f"`{cls.__name__}`", sentence(cls), f"{cls.sentence}", str(status_of(cls.__new__(cls))), retry))
    head = ("error", "when", "what it says", "HTTP", "retry")
    return f"{intro}```text\n{drawing}\n```\n\n{table(head, rows)}"


CLIENT_SETTINGS = (
    ("COVE_ENDPOINT", "where the server is: `http://HOST:PORT`, `https://HOST` or `unix:///PATH`", "the local socket"),
    ("COVE_API_KEY", "the key to show; the local socket needs none", "none"),
    ("COVE_CA", "a file of authorities to trust, too: the `ca.pem` that `cove up --tls` tells", "none"),
    ("COVE_DATA", "whose socket is the local one", "as for the server"),
)


def settings_page() -> str:
    """Every setting of server and client."""
    options = {
        "network": "--network",
        "allow": "--allow",
        "images": "--image",
        "data": "--data",
        "host": "--host",
        "port": "--port",
        "link_port": "--link-port",
        "link_url": "--link-url",
        "tls": "--tls",
        "tls_name": "--tls-name",
        "tls_cert": "--tls-cert",
        "tls_key": "--tls-key",
    }
    defaults = {field.name: field.default for field in msgspec.structs.fields(Settings)}
    told = {"data": "`/var/lib/cove` for root, `~/.local/share/cove` otherwise", "cache": "the data directory"}
    rows = []
    for name, variable in VARIABLES.items():
        default = told.get(name, "none" if defaults[name] in ((), None, "") else f"`{defaults[name]}`")
        option = f"`{options[name]}`" if name in options else ""
        rows.append((f"`{name}`", f"`{variable}`", option, default, SETTINGS[name]))
    server = table(("setting", "variable", "option of `cove up`", "default", ""), rows)
    client = table(
        ("variable", "", "default"), [(f"`{name}`", text, default) for name, text, default in CLIENT_SETTINGS]
    )
    return (
        f"# Settings\n\n## Server\n\nAn option goes before its variable.\n\n{server}\n"
        f"## Client\n\nAn argument of `AgentBay` goes before its variable.\n\n{client}"
    )


SETTINGS = {
    "data": "the data directory: one Cove each; its path must leave room for a socket's (107 bytes)",
    "cache": "where is kept what can be made again: rendered images, the guest's runtime; several may share it",
    "host": "the address to listen on",
    "port": "the TCP port; 0 takes a free one",
    "network": "what a new session reaches whose maker does not say: `open`, `none`, or `rules`: what `allow` names",
    "allow": "what is not public and sessions may reach: `HOST`, `HOST:PORT`, `*.DOMAIN`, an address, a network",
    "images": "`NAME=DIRECTORY`: root file systems to make sessions from, beside `host`",
    "api_mode": "images (`*`: all) whose sessions give official clients no LinkUrl: they call tools through the API",
    "api_key": "an operator's key of 16 to 512 printable characters; without it the first start makes and shows one",
    "link_port": "the port of links, on loopback addresses of each session's own; 0 takes a free one",
    "link_url": "`https://*.DOMAIN`, whose names all lead to a proxy of yours before the link port",
    "public_url": "the address that clients are told, where it differs",
    "tls": "`1`: speak TLS, with certificates of an authority that it makes and keeps in the data directory",
    "tls_name": "host names, `*.DOMAIN`, addresses by which clients call it, beside those that it listens on",
    "tls_cert": "your own certificate in PEM, its full chain; read again when it changes",
    "tls_key": "the private key of that certificate, not encrypted",
    "first_uid": "where the user ids of sandboxes begin; must not touch /etc/subuid's ranges",
    "slots": "how many sessions may live at once; each takes 65536 user ids",
    "linger": "seconds after which a Cove in the background goes when it has no session and nobody asks it anything",
    "reserve_mib": "MiB kept free for the database on the data directory's file system",
    "memory_reserve_mib": "MiB of the machine's memory that new sessions leave free; fewer, and they are refused",
}


def limits_page() -> str:
    """Every limit of a session."""
    hints: dict[str, Any] = msgspec.json.schema(Limits)["$defs"]["Limits"]["properties"]
    rows = []
    for name, field in hints.items():
        numbers = [field["default"], field["minimum"], field["maximum"]]
        rows.append(
            (
                f"`{name}`",
                *(
                    f"{number // MIB} MiB" if name.endswith("bytes") and number >= MIB else str(number)
                    for number in numbers
                ),
            )
        )
    doc = re.sub(r"\s+", " ", inspect.getdoc(Limits) or "")
    return f"# Limits\n\n{doc}\n\n{table(('limit', 'default', 'least', 'most'), rows)}"
