"""The configuration of apt, pip and npm as a session gets it: what this host's says, without any credential.

Only options of an allow list go through; a value that is a path must lie where a session can see it.
"""

import configparser
import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from cove.node.images.host import Host
from cove.node.images.secrecy import without_credentials

PIP_FILES = ("/etc/xdg/pip/pip.conf", "/etc/pip.conf", "~/.pip/pip.conf", "~/.config/pip/pip.conf")
NPM_FILES = ("/usr/local/etc/npmrc", "/usr/etc/npmrc", "/etc/npmrc", "~/.npmrc")
APT_SOURCES = ("/etc/apt/sources.list", "/etc/apt/sources.list.d")

_PIP_PLAIN = frozenset(
    {"index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "timeout", "default-timeout", "retries"}
    | {"only-binary", "no-binary", "prefer-binary", "disable-pip-version-check"}
)
_PIP_PATHS = frozenset({"cert"})
_NPM_PLAIN = frozenset(
    {"registry", "strict-ssl", "replace-registry-host", "omit-lockfile-registry-resolved", "fund", "audit"}
    | {"update-notifier", "fetch-retries", "fetch-timeout", "maxsockets", "noproxy", "proxy", "https-proxy"}
)
_NPM_PATHS = frozenset({"cafile"})
_NPM_SCOPE = re.compile(r"@[\w.~-]+:registry")
_CERTIFICATE_VARIABLES = (
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"),
    *("PIP_CERT", "GIT_SSL_CAINFO"),
)
_PROXY_VARIABLES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_PUBLIC_ROOTS = ("/etc/ssl/", "/etc/pki/", "/usr/share/", "/usr/local/share/", "/usr/lib/")
_PRIVATE_ROOTS = (
    *("/root", "/home", "/etc", "/proc", "/sys", "/dev", "/run", "/boot", "/usr", "/bin", "/var/run", "/var/lib/dpkg"),
    *("/lib", "/sbin", "/tmp"),  # noqa: S108 (a name to refuse, not a place to write)
)


def pip_options(host: Host) -> dict[str, str]:
    """Pip's global options: files in pip's own order, then `PIP_…` variables; later ones win."""
    options: dict[str, str] = {}
    for name in PIP_FILES:
        options |= _pip_file(host.text(name.replace("~", host.home(), 1)))
    for name, value in host.environ.items():
        if name.startswith("PIP_"):
            options[name[4:].lower().replace("_", "-")] = value
    return {key: clean for key, value in options.items() if (clean := _pip_value(key, value))}


def _pip_file(text: str) -> dict[str, str]:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return {}
    sections = [name for name in ("global", "install") if parser.has_section(name)]
    return {key.replace("_", "-"): value for name in sections for key, value in parser.items(name)}


def _pip_value(key: str, value: str) -> str:
    if key in _PIP_PATHS:
        return value if _is_public(value) else ""
    return " ".join(without_credentials(value).split()) if key in _PIP_PLAIN else ""


def render_pip(options: dict[str, str]) -> str:
    """The text of /etc/pip.conf."""
    return "[global]\n" + "".join(f"{key} = {value}\n" for key, value in sorted(options.items()))


def npm_options(host: Host) -> dict[str, str]:
    """Npm's options: global files, the user's, then `npm_config_…` variables; later ones win."""
    options: dict[str, str] = {}
    for name in NPM_FILES:
        options |= _npm_file(host.text(name.replace("~", host.home(), 1)))
    for name, value in host.environ.items():
        if name.lower().startswith("npm_config_"):
            options[name[11:].lower().replace("_", "-")] = value
    return {key: clean for key, value in options.items() if (clean := _npm_value(key, value))}


def _npm_file(text: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in text.splitlines() if not line.lstrip().startswith(("#", ";")))
    return {key.strip(): value.strip().strip("\"'") for key, equals, value in pairs if equals}


def _npm_value(key: str, value: str) -> str:
    if "${" in value or "\n" in value:
        return ""
    if key in _NPM_PATHS:
        return value if _is_public(value) else ""
    return without_credentials(value) if key in _NPM_PLAIN or _NPM_SCOPE.fullmatch(key) else ""


def render_npm(options: dict[str, str]) -> str:
    """The text of an npmrc."""
    return "".join(f"{key}={value}\n" for key, value in sorted(options.items()))


def environment(host: Host) -> dict[str, str]:
    """Variables every process of a session should have: certificate bundles in view of the session, and proxies."""
    found = {name: host.environ[name] for name in _CERTIFICATE_VARIABLES if _is_public(host.environ.get(name, ""))}
    bundle = "/etc/ssl/certs/ca-certificates.crt"
    if host.path(bundle).is_file():
        found.setdefault("NODE_EXTRA_CA_CERTS", bundle)
    proxies = {name: without_credentials(host.environ[name]) for name in _PROXY_VARIABLES if name in host.environ}
    return found | {name: value for name, value in proxies.items() if "\n" not in value}


def apt_texts(host: Host) -> list[str]:
    """The text of each file that apt takes its sources from."""
    single, directory = APT_SOURCES
    try:
        names = sorted(path.name for path in host.path(directory).iterdir())
    except OSError:
        names = []
    wanted = [name for name in names if name.endswith((".list", ".sources"))]
    return [host.text(single), *(host.text(f"{directory}/{name}") for name in wanted)]


def apt_uris(host: Host) -> list[str]:
    """Every URI that apt's sources name, in both of its formats, without options or credentials."""
    return [uri for text in apt_texts(host) for uri in _apt_text_uris(without_credentials(text))]


def _apt_text_uris(text: str) -> Iterator[str]:
    for stanza in re.split(
        r"\n[ \t]*\n", "\n".join(row for row in text.splitlines() if not row.lstrip().startswith("#"))
    ):
        for line in stanza.splitlines():
            if match := re.match(r"deb(?:-src)?\s+(?:\[[^\]]*\]\s*)?(\S+)", line):
                yield match[1]
        if not re.search(r"(?im)^enabled:\s*no\s*$", stanza):
            for field in re.findall(r"(?im)^uris:((?:.*)(?:\n[ \t]+.*)*)", stanza):
                yield from field.split()


def local_directories(host: Host) -> tuple[str, ...]:
    """Directories of this host that the configuration names as places of packages, and that may be shown.

    A simple index at `…/simple` links to files beside itself, so its parent is meant.
    """
    pip = pip_options(host)
    words = [
        *apt_uris(host),
        *" ".join(pip.get(key, "") for key in ("find-links", "index-url", "extra-index-url")).split(),
    ]
    found = {path for word in words if (path := _local_path(word)) and host.path(path).is_dir()}
    shown = {path for path in found if _may_show(host, path)}
    return tuple(sorted(path for path in shown if not any(path.startswith(other + "/") for other in shown)))


def _local_path(word: str) -> str:
    word = word.removeprefix("copy:").removeprefix("file:") if not word.startswith("file://") else word
    path = unquote(urlsplit(word).path) if word.startswith("file://") else word
    path = path.rstrip("/")
    if not path.startswith("/") or "/../" in path + "/":
        return ""
    return path.removesuffix("/simple") or path


def _may_show(host: Host, path: str) -> bool:
    """Never a home, a system directory or one above them, nor what a symlink leads to elsewhere."""
    private = (*_PRIVATE_ROOTS, host.home())
    inside_private = any(path == root or path.startswith(root + "/") for root in private)
    above_private = any(root.startswith(path + "/") for root in private)
    real = host.path(path)
    return not inside_private and not above_private and real.resolve() == host.root.resolve() / path.lstrip("/")


def _is_public(path: str) -> bool:
    return path.startswith(_PUBLIC_ROOTS) and ".." not in path and "\n" not in path and "private" not in path
