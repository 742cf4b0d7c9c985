"""Which registries this machine installs packages from, as its own configuration names them: entries for an allow list.

No host is written here. Where nothing is configured, the clients are asked for their own defaults.
"""

import json
import re
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from shutil import which
from urllib.parse import urljoin, urlsplit

from cove.node.images import clients
from cove.node.images.host import Host
from cove.node.images.secrecy import without_credentials

_TOOL_SECONDS = 30.0
_PORTS = {"http": 80, "https": 443}
_LONGEST_PAGE = 4 * 1024 * 1024
_PIP_DEFAULT = (
    "import json\n"
    "from pip._internal.models.index import PyPI\n"
    "print(json.dumps([PyPI.simple_url, PyPI.file_storage_domain]))"
)
_SMALL_PACKAGE = "pip"
"""A package that every index has, on whose page one sees where an index keeps its files."""


def registry_hosts(*, source: Path = Path("/")) -> tuple[str, ...]:
    """Entries `host` or `host:port` for apt, pip and npm, sorted; a client that is not there adds none.

    Looks at one page of each pip index to see where its files lie; without an answer, only the index is named.
    """
    host = Host.here(source)
    urls = {*clients.apt_uris(host), *_apt_proxies(host), *_pip_urls(host), *_npm_urls(host)}
    urls |= {
        value for name, value in clients.environment(host).items() if name.lower() in ("http_proxy", "https_proxy")
    }
    return tuple(sorted({entry for url in urls if (entry := entry_of(url))}))


def entry_of(url: str) -> str:
    """The entry that lets a URL's host through, or "" for a URL of no host that a relay could reach.

    >>> entry_of("https://me:secret@mirror.example:8443/simple/"), entry_of("file:///srv/wheels")
    ('mirror.example:8443', '')
    """
    try:
        parts = urlsplit(without_credentials(url))
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return ""
    if not parts.hostname or port is None:
        return ""
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{name}:{port}"


def _apt_proxies(host: Host) -> list[str]:
    try:
        files = sorted(host.path("/etc/apt/apt.conf.d").iterdir())
    except OSError:
        files = []
    texts = [host.text("/etc/apt/apt.conf"), *(host.text(f"/etc/apt/apt.conf.d/{file.name}") for file in files)]
    return [url for text in texts for url in re.findall(r"(?im)^[^#/\n]*proxy[^\"\n]*\"(https?://[^\"]+)\"", text)]


def _pip_urls(host: Host) -> set[str]:
    options = clients.pip_options(host)
    configured = [*options.get("index-url", "").split(), *options.get("extra-index-url", "").split()]
    found = {url for url in (*configured, *options.get("find-links", "").split()) if url.startswith("http")}
    if "index-url" not in options:
        found |= _pip_defaults()
    return found | {url for index in found for url in _file_places(index)}


def _pip_defaults() -> set[str]:
    """Pip's own default index, and the host of its files."""
    for python in ("python3", "/usr/bin/python3"):
        text = _ask(python, "-c", _PIP_DEFAULT)
        if text:
            index, files = json.loads(text)
            return {index, f"https://{files}/"}
    return set()


def _file_places(index: str) -> set[str]:
    """The hosts that one page of an index links to."""
    page = index.rstrip("/") + f"/{_SMALL_PACKAGE}/"
    try:
        with urllib.request.urlopen(page, timeout=_TOOL_SECONDS) as answer:  # noqa: S310 (http and https only: see caller)
            text = answer.read(_LONGEST_PAGE).decode(errors="replace")
    except (OSError, ValueError):
        return set()
    links = {urljoin(page, link) for link in re.findall(r"href=\"([^\"#]+)", text)}
    return {f"{parts.scheme}://{parts.netloc}/" for parts in map(urlsplit, links) if parts.scheme in _PORTS}


def _npm_urls(host: Host) -> set[str]:
    options = clients.npm_options(host)
    named = {value for key, value in options.items() if key.endswith("registry") and value.startswith("http")}
    named |= {options[key] for key in ("proxy", "https-proxy") if key in options}
    return named if "registry" in options else named | set(_ask("npm", "config", "get", "registry").split())


def _ask(*command: str) -> str:
    """What a program prints; "" when it is not there or fails."""
    if which(command[0]) is None:
        return ""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TOOL_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
