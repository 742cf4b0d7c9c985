"""What a session may reach: its network policy, and how the entries of one are written. Pure; looks nothing up.

An entry is `host`, `*.domain`, an IP address or a CIDR block, each alone, with `:port`, or with `:port-port`. Alone it
means ports 80 and 443 where it allows, and every port where it denies.
"""

import re
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Any, Literal, get_args

import msgspec

from cove.core.errors import InvalidNetwork

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Mode = Literal["open", "none", "rules"]
Verdict = Literal["carried", "refused", "failed", "cut"]
Ports = tuple[tuple[int, int], ...]
"""Ranges of ports, each with both ends in it."""

WEB_PORTS: Ports = ((80, 80), (443, 443))
EVERY_PORT: Ports = ((1, 65535),)
MOST_ENTRIES, MOST_LETTERS = 512, 32 * 1024
"""Of `allow` and `deny` together."""
_LONGEST_ENTRY = 300
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PORTS = r"(?::([0-9]{1,5})(?:-([0-9]{1,5}))?)?"
_BRACKETED, _PLAIN = re.compile(r"\[([0-9A-Fa-f:./]+)\]" + _PORTS), re.compile(r"([^:\[\]]+)" + _PORTS)
_LONGEST_NAME = 253
_UNSPECIFIED = (ip_network("0.0.0.0/8"), ip_network("224.0.0.0/3"), ip_network("::/128"), ip_network("ff00::/8"))
_REMEDY = "give a host name, `*.domain`, an IP address or a CIDR block, each alone, with `:port` or with `:port-port`"


class NetworkPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a session may reach. `deny` wins over everything.

    `open`: every public address, and what the operator named. `rules`: what `allow` names, within what `open` would
    give. `none`: nothing.
    """

    mode: Mode = "open"
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """One connection of a session, at its end: where to, what was decided, how many bytes; never what was said.

    `verdict` is carried, refused, failed, or cut (by a change of the policy); `host` is the name that the session asked
    for, or the address. `number` counts the session's lines. Port 53 with refused is a question for a name.
    """

    number: int
    time: float
    host: str
    port: int
    verdict: Verdict
    rx_bytes: int = 0
    tx_bytes: int = 0
    reason: str = ""


class Entry(msgspec.Struct, frozen=True):
    """One entry, parsed: a name, or a name's parent for a wildcard, or a network."""

    ports: Ports
    name: str = ""
    parent: str = ""
    network: Network | None = None

    def has_port(self, port: int) -> bool:
        """Whether the entry speaks of this port."""
        return any(first <= port <= last for first, last in self.ports)

    def has_name(self, name: str) -> bool:
        """Whether the entry speaks of this name (canonical)."""
        return self.name == name if self.name else bool(self.parent) and name.endswith("." + self.parent)

    def has_address(self, address: Address) -> bool:
        """Whether the entry speaks of this address."""
        return self.network is not None and address.version == self.network.version and address in self.network


def check_policy(value: NetworkPolicy | Mapping[str, Any] | str | None) -> NetworkPolicy:
    """A policy whose entries are all well written, from a policy, a plain map, or a mode's name; None means `open`.

    Raises InvalidNetwork, naming the entry and the remedy.

    >>> check_policy("none").mode, check_policy({"mode": "rules", "allow": ["example.org"]}).allow
    ('none', ('example.org',))
    """
    given: Any = {"mode": value} if isinstance(value, str) else value or {}
    mode = given.get("mode", "open") if isinstance(given, Mapping) else getattr(given, "mode", "open")
    if mode not in get_args(Mode):
        raise InvalidNetwork(value=mode, remedy="the mode is open, none or rules")
    try:
        policy = given if isinstance(given, NetworkPolicy) else msgspec.convert(given, NetworkPolicy)
    except msgspec.ValidationError as error:
        raise InvalidNetwork(value=value, remedy=f"{error} (a policy has mode, allow and deny)") from error
    _check_size(policy)
    if policy.allow and mode != "rules":
        remedy = f"`allow` belongs to mode rules; mode {mode} takes `deny` only"
        raise InvalidNetwork(value=policy.allow[0], remedy=remedy)
    for entry in (*policy.allow, *policy.deny):
        parse_entry(entry)
    return policy


def _check_size(policy: NetworkPolicy) -> None:
    entries = (*policy.allow, *policy.deny)
    if len(entries) > MOST_ENTRIES or sum(map(len, entries)) > MOST_LETTERS:
        remedy = f"allow and deny together hold {MOST_ENTRIES} entries and {MOST_LETTERS} letters at most"
        raise InvalidNetwork(value=f"{len(entries)} entries", remedy=remedy)


def parse_entry(entry: str, ports: Ports = WEB_PORTS) -> Entry:
    """One entry, with `ports` where it names none; raises InvalidNetwork.

    >>> parse_entry("Mirror.Example.:8080").name, parse_entry("*.example").parent
    ('mirror.example', 'example')
    >>> parse_entry("192.0.2.0/24:8000-8099")
    Entry(ports=((8000, 8099),), name='', parent='', network=IPv4Network('192.0.2.0/24'))
    """
    host, named = _split_ports(entry)
    ports = named or ports
    if "/" in host or ":" in host or _looks_numeric(host.lower().rstrip(".")):
        return Entry(ports, network=_parse_network(entry, host))
    is_wildcard = host.startswith("*.")
    name = canonical_name(host.removeprefix("*."))
    if name is None:
        raise _invalid(entry)
    return Entry(ports, parent=name) if is_wildcard else Entry(ports, name=name)


def canonical_name(text: str) -> str | None:
    """A host name in lower case, without its final dot, in its ASCII form; None when it is none or spells an address.

    >>> canonical_name("EXAMPLE.test."), canonical_name("bücher.example"), canonical_name("0x7f.1")
    ('example.test', 'xn--bcher-kva.example', None)
    """
    try:
        name = text.lower().removesuffix(".") if text.isascii() else text.encode("idna").decode().lower()
    except UnicodeError:
        return None
    name = name.removesuffix(".")
    is_name = len(name) <= _LONGEST_NAME and all(_LABEL.fullmatch(label) for label in name.split("."))
    return name if is_name and not _looks_numeric(name) else None


def _split_ports(entry: str) -> tuple[str, Ports]:
    if len(entry) > _LONGEST_ENTRY:
        raise _invalid(entry[:_LONGEST_ENTRY] + "…")
    match = _BRACKETED.fullmatch(entry) or _PLAIN.fullmatch(entry)
    if match is None:
        return entry, ()
    if match[2] is None:
        return match[1], ()
    first, last = int(match[2]), int(match[3] or match[2])
    if not 0 < first <= last < 65536:
        raise _invalid(entry)
    return match[1], ((first, last),)


def _parse_network(entry: str, host: str) -> Network:
    try:
        network = ip_network(host, strict=True)
    except ValueError:
        raise _invalid(entry) from None
    if isinstance(network, IPv6Network) and (mapped := network.network_address.ipv4_mapped):
        network = ip_network((mapped, max(0, network.prefixlen - 96)))
    if "%" in host or (is_unspecified(network.network_address) and network.prefixlen > 0):
        raise _invalid(entry)
    return network


def is_unspecified(address: Address) -> bool:
    """Whether no connection to this address can mean one machine: 0.0.0.0/8, multicast, broadcast, reserved."""
    return any(address.version == network.version and address in network for network in _UNSPECIFIED)


def _looks_numeric(name: str) -> bool:
    """Whether programs would take this for an IPv4 address in one of its many spellings: its last part is a number."""
    return _NUMBER.fullmatch(name.rsplit(".", 1)[-1]) is not None


def _invalid(entry: str) -> InvalidNetwork:
    return InvalidNetwork(value=entry, remedy=_REMEDY)
