"""Where the server is and which key to show: arguments, then the environment, then this user's own Cove.

The only module of the client that reads the environment.
"""

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from cove.core.errors import InvalidSetting
from cove.sdk._local import LocalCove
from cove.sdk.params import Config

LONGEST_SOCKET_PATH = 107
DEFAULT_SECONDS = 60.0
_CALLER = 4
"""Frames from the warning up to whoever made the client."""
_NOT_FOR_SERVERS = ("COVE_API_KEY", "COVE_ENDPOINT")
_REMEDY = "give http://HOST:PORT, https://HOST or unix:///PATH"


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint: `shown` is how messages call it, `socket` the path of a Unix socket, if it is one."""

    shown: str
    base_url: str
    socket: str | None = None


class ClientSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a client needs to know; `timeout` is in seconds.

    `local` is set where no endpoint was named: that Cove is started on first use, and is shown no key. `ca` is a file
    of authorities that are trusted, too.
    """

    address: Address
    api_key: str
    timeout: float = DEFAULT_SECONDS
    local: LocalCove | None = None
    ca: str = ""


def client_settings(
    api_key: str,
    endpoint: str | None,
    cfg: Config | None,
    env_file: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> ClientSettings:
    """Settings from arguments, then `cfg`, then the environment, then `env_file`; raises InvalidSetting."""
    known = {**_read_env_file(env_file), **environ}
    config = cfg or Config()
    place = endpoint or config.endpoint or known.get("COVE_ENDPOINT")
    key = api_key or known.get("COVE_API_KEY", "")
    if not (key.isascii() and key.isprintable()):
        raise InvalidSetting(name="api_key", value="…", remedy="a key is printable ASCII, as `cove key create` prints")
    if not place:
        return _local_settings(key, known, dict(environ), config.timeout_ms / 1000)
    return ClientSettings(
        address=parse_endpoint(place), api_key=key, timeout=config.timeout_ms / 1000, ca=known.get("COVE_CA", "")
    )


def _local_settings(key: str, known: Mapping[str, str], environ: dict[str, str], timeout: float) -> ClientSettings:
    """The Cove of this user; it knows its user, and a key is most likely meant for another place."""
    address = parse_endpoint(local_endpoint(known))
    if key:
        text = f"an API key without an endpoint: using the local Cove at {address.shown}, which needs no key"
        warnings.warn(f"{text}; set COVE_ENDPOINT where another is meant", stacklevel=_CALLER)
    for name in _NOT_FOR_SERVERS:
        environ.pop(name, None)
    local = LocalCove(data=str(data_dir(known)), socket=address.socket or "", variables=environ)
    return ClientSettings(address=address, api_key="", timeout=timeout, local=local)


def parse_endpoint(endpoint: str) -> Address:
    """Understand an endpoint; raises InvalidSetting.

    >>> parse_endpoint("unix:///run/cove.sock").socket
    '/run/cove.sock'
    """
    try:
        parts = urlsplit(endpoint)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except (ValueError, AttributeError) as error:
        raise InvalidSetting(name="endpoint", value=endpoint, remedy=_REMEDY) from error
    if is_web and not parts.query and not parts.fragment:
        return Address(shown=endpoint, base_url=endpoint.rstrip("/"))
    if parts.scheme == "unix" and not parts.netloc and parts.path.startswith("/"):
        return _socket_address(endpoint, parts.path)
    raise InvalidSetting(name="endpoint", value=endpoint, remedy=_REMEDY)


def _socket_address(endpoint: str, path: str) -> Address:
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        remedy = f"a socket's path has at most {LONGEST_SOCKET_PATH} bytes; choose a shorter COVE_DATA"
        raise InvalidSetting(name="endpoint", value=endpoint, remedy=remedy)
    return Address(shown=endpoint, base_url="http://cove", socket=path)


def local_endpoint(environ: Mapping[str, str] = os.environ) -> str:
    """The socket of this user's own Cove."""
    return f"unix://{data_dir(environ) / 'run' / 'cove.sock'}"


def data_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """The directory that `cove up` uses when none is named."""
    if named := environ.get("COVE_DATA"):
        return Path(named).absolute()
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return Path("/var/lib/cove") if is_root else Path.home() / ".local" / "share" / "cove"


def _read_env_file(path: str | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        lines = Path(path).read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSetting(name="env_file", value=path, remedy=f"it cannot be read: {error}") from error
    pairs = (line.strip().removeprefix("export ").partition("=") for line in lines if not line.lstrip().startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, equals, value in pairs if equals}
