"""What `cove up` is told. The only module of this deployable that reads the environment."""

import contextlib
import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from cove.core.account import ID_RANGE
from cove.core.errors import InvalidNetwork, InvalidSetting
from cove.core.network import parse_entry

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 7717
DEFAULT_LINK_PORT = 7718
DEFAULT_FIRST_UID = 2_000_000_000
DEFAULT_SLOTS = 1024
DEFAULT_RESERVE_MIB = 64
DEFAULT_MEMORY_RESERVE_MIB = 256
DEFAULT_LINGER = 300.0
LONGEST_SOCKET_PATH = 107
"""Bytes: what the kernel's `sockaddr_un` holds, less the closing NUL."""
NETWORKS = ("open", "none", "rules")
_LONGEST_SECONDS = 10**9
_LINK_URL = re.compile(r"https?://\*(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+(:[0-9]{1,5})?", re.IGNORECASE)
_KEY = re.compile(r"[!-~]{16,512}")
_HOST_NAME = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9])?)*")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one machine's Cove, checked. Each field's environment variable stands in `VARIABLES`."""

    data: Path
    cache: Path | None = None
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    link_port: int = DEFAULT_LINK_PORT
    link_url: str = ""
    network: str = "open"
    allow: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    api_mode: tuple[str, ...] = ()
    api_key: str | None = None
    tls: bool = False
    tls_name: tuple[str, ...] = ()
    tls_cert: Path | None = None
    tls_key: Path | None = None
    public_url: str = ""
    first_uid: int = DEFAULT_FIRST_UID
    slots: int = DEFAULT_SLOTS
    reserve_mib: int = DEFAULT_RESERVE_MIB
    memory_reserve_mib: int = DEFAULT_MEMORY_RESERVE_MIB
    linger: float = DEFAULT_LINGER


VARIABLES = {
    "data": "COVE_DATA",
    "cache": "COVE_CACHE",
    "host": "COVE_HOST",
    "port": "COVE_PORT",
    "link_port": "COVE_LINK_PORT",
    "link_url": "COVE_LINK_URL",
    "network": "COVE_NETWORK",
    "allow": "COVE_ALLOW",
    "images": "COVE_IMAGES",
    "api_mode": "COVE_API_MODE",
    "api_key": "COVE_API_KEY",
    "tls": "COVE_TLS",
    "tls_name": "COVE_TLS_NAME",
    "tls_cert": "COVE_TLS_CERT",
    "tls_key": "COVE_TLS_KEY",
    "public_url": "COVE_PUBLIC_URL",
    "first_uid": "COVE_FIRST_UID",
    "slots": "COVE_SLOTS",
    "reserve_mib": "COVE_RESERVE_MIB",
    "memory_reserve_mib": "COVE_MEMORY_RESERVE_MIB",
    "linger": "COVE_LINGER",
}
"""The environment variable of each setting; an option of `cove up` goes before it."""
_RANGES = {
    "port": (0, 65535),
    "link_port": (0, 65535),
    "first_uid": (65536, 4_000_000_000),
    "slots": (1, 16384),
    "reserve_mib": (0, 1024 * 1024),
    "memory_reserve_mib": (0, 1024 * 1024),
}


def settings_from(
    given: Mapping[str, str | int | bool | Path | tuple[str, ...] | None], environ: Mapping[str, str] = os.environ
) -> Settings:
    """Settings from options, then the environment, then the defaults; raises InvalidSetting, naming the one at fault.

    >>> settings_from({"port": 8000}, {"COVE_DATA": "/srv/cove", "COVE_ALLOW": "example.org, *.example.com"}).allow
    ('example.org', '*.example.com')
    """
    texts = {name: environ[variable] for name, variable in VARIABLES.items() if environ.get(variable)}
    values = {**texts, **{name: value for name, value in given.items() if value not in (None, ())}}
    checked: dict[str, Any] = {name: _READERS[name](name, value) for name, value in values.items()}
    checked.setdefault("data", default_data(environ))
    settings = _with_tls(Settings(**checked))
    _check_socket_path(settings.data)
    _check_id_range(settings)
    return settings


def default_data(environ: Mapping[str, str] = os.environ) -> Path:
    """The data directory when none is named: the machine's for root, this user's own otherwise."""
    if os.geteuid() == 0:
        return Path("/var/lib/cove")
    return Path(environ.get("HOME") or Path.home()) / ".local" / "share" / "cove"


def _read_path(name: str, value: object) -> Path:
    if not str(value).strip() or "\0" in str(value):
        raise InvalidSetting(name=name, value=str(value), remedy="give a directory")
    return Path(str(value)).expanduser().absolute()


def _read_number(name: str, value: object) -> int:
    lowest, highest = _RANGES[name]
    remedy = f"give a whole number from {lowest} to {highest}"
    try:
        number = int(str(value))
    except ValueError as error:
        raise InvalidSetting(name=name, value=value, remedy=remedy) from error
    if not lowest <= number <= highest:
        raise InvalidSetting(name=name, value=value, remedy=remedy)
    return number


def _read_seconds(name: str, value: object) -> float:
    try:
        seconds = float(str(value))
    except ValueError:
        seconds = -1.0
    if not 1 <= seconds <= _LONGEST_SECONDS:
        raise InvalidSetting(name=name, value=value, remedy=f"give seconds, from 1 to {_LONGEST_SECONDS}")
    return seconds


def _read_flag(name: str, value: object) -> bool:
    found = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    text = str(value).lower()
    if text not in found:
        raise InvalidSetting(name=name, value=value, remedy="give 1 or 0")
    return found[text]


def _read_hosts(name: str, value: object) -> tuple[str, ...]:
    """Host names, `*.` before one for all below it, and addresses."""
    entries = value if isinstance(value, tuple) else tuple(re.split(r"[,\s]+", str(value).strip()))
    return tuple(_read_name(name, entry) for entry in entries)


def _read_name(name: str, entry: str) -> str:
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(entry.strip("[]")))
    text = entry.lower().removesuffix(".")
    if not _HOST_NAME.fullmatch(text) or len(text) > 253 or text.rpartition(".")[2].isdigit():
        remedy = "give a host name or an address alone, such as cove.example.org: no scheme, no port"
        raise InvalidSetting(name=name, value=entry, remedy=remedy)
    return text


def _read_host(name: str, value: object) -> str:
    text = str(value)
    if text == "localhost":
        return DEFAULT_HOST
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError as error:
        remedy = "give an address of this machine, such as 127.0.0.1, ::1 or 0.0.0.0"
        raise InvalidSetting(name=name, value=text, remedy=remedy) from error


def _read_allow(name: str, value: object) -> tuple[str, ...]:
    entries = value if isinstance(value, tuple) else tuple(re.split(r"[,\s]+", str(value).strip()))
    for entry in entries:
        try:
            parse_entry(entry)
        except InvalidNetwork as error:
            raise InvalidSetting(name=name, value=entry, remedy=error.facts["remedy"]) from error
    return entries


def _read_network(name: str, value: object) -> str:
    if value not in NETWORKS:
        raise InvalidSetting(name=name, value=value, remedy=f"give {', '.join(NETWORKS[:-1])} or {NETWORKS[-1]}")
    return str(value)


def _read_images(name: str, value: object) -> tuple[str, ...]:
    """Entries NAME=DIRECTORY, each a root file system."""
    entries = value if isinstance(value, tuple) else tuple(re.split(r"[,\s]+", str(value).strip()))
    for entry in entries:
        image, _, root = entry.partition("=")
        if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", image) or image == "host" or not Path(root).is_absolute():
            remedy = "give NAME=DIRECTORY: a name other than host, and the absolute path of a root file system"
            raise InvalidSetting(name=name, value=entry, remedy=remedy)
        if not Path(root).is_dir():
            raise InvalidSetting(name=name, value=entry, remedy=f"there is no directory at {root!r}")
    return entries


def _read_names(name: str, value: object) -> tuple[str, ...]:
    """Names of images, or `*` for all."""
    names = value if isinstance(value, tuple) else tuple(re.split(r"[,\s]+", str(value).strip()))
    for image in names:
        if not re.fullmatch(r"[A-Za-z0-9][\w.-]*|\*", image):
            raise InvalidSetting(name=name, value=image, remedy="give names of images, or * for all of them")
    return names


def _read_key(name: str, value: object) -> str:
    if not _KEY.fullmatch(str(value)):  # a secret is never shown, not even a wrong one
        raise InvalidSetting(
            name=name, value="…", remedy="COVE_API_KEY must be 16 to 512 printable characters, no space"
        )
    return str(value)


def _read_url(name: str, value: object) -> str:
    if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", str(value)):
        raise InvalidSetting(name=name, value=value, remedy="give http://HOST[:PORT] or https://HOST[:PORT]")
    return str(value).rstrip("/")


def _read_link_url(name: str, value: object) -> str:
    if not _LINK_URL.fullmatch(str(value)):
        remedy = "give https://*.DOMAIN[:PORT], whose names all lead to your proxy, and no path"
        raise InvalidSetting(name=name, value=value, remedy=remedy)
    return str(value).lower()


_READERS = {
    "data": _read_path,
    "cache": _read_path,
    "host": _read_host,
    "port": _read_number,
    "link_port": _read_number,
    "link_url": _read_link_url,
    "network": _read_network,
    "allow": _read_allow,
    "images": _read_images,
    "api_mode": _read_names,
    "api_key": _read_key,
    "tls": _read_flag,
    "tls_name": _read_hosts,
    "tls_cert": _read_path,
    "tls_key": _read_path,
    "public_url": _read_url,
    "first_uid": _read_number,
    "slots": _read_number,
    "reserve_mib": _read_number,
    "memory_reserve_mib": _read_number,
    "linger": _read_seconds,
}


def _with_tls(settings: Settings) -> Settings:
    """A certificate means TLS; what contradicts it is refused. Raises InvalidSetting."""
    for name, value, other in (
        ("tls_cert", settings.tls_cert, settings.tls_key),
        ("tls_key", settings.tls_key, settings.tls_cert),
    ):
        if value is not None and other is None:
            raise InvalidSetting(name=name, value=str(value), remedy="give both --tls-cert and --tls-key")
    if settings.tls_cert is not None and settings.tls_name:
        remedy = "your own certificate says for which names it is; leave --tls-name out"
        raise InvalidSetting(name="tls_name", value=settings.tls_name[0], remedy=remedy)
    if settings.tls_name and not settings.tls:
        raise InvalidSetting(name="tls_name", value=settings.tls_name[0], remedy="give --tls, too")
    settings = msgspec.structs.replace(settings, tls=settings.tls or settings.tls_cert is not None)
    for name in ("public_url", "link_url"):
        url = getattr(settings, name)
        if settings.tls and url.startswith("http://"):
            raise InvalidSetting(name=name, value=url, remedy="with --tls, give https://")
    return settings


def _check_socket_path(data: Path) -> None:
    length = len(os.fsencode(data / "run" / "cove.sock"))
    if length > LONGEST_SOCKET_PATH:
        remedy = (
            f"choose a shorter path: its socket's would have {length} bytes, and the kernel takes {LONGEST_SOCKET_PATH}"
        )
        raise InvalidSetting(name="data", value=str(data), remedy=remedy)


def _check_id_range(settings: Settings) -> None:
    if settings.first_uid + settings.slots * ID_RANGE > 2**32 - 2:
        remedy = f"{settings.slots} slots of {ID_RANGE} ids do not fit above it"
        raise InvalidSetting(name="first_uid", value=settings.first_uid, remedy=remedy)
