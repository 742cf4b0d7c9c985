"""Which names and addresses a session may reach. Pure: it decides about text and numbers, and looks nothing up.

An entry is `host`, `*.domain`, an IP address or a CIDR block, each with `:port` or for ports 80 and 443.
A block or a name never opens an address of this machine, its loopback or its links: only that very literal does.
"""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import msgspec

from cove.core.errors import InvalidSetting

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

DEFAULT_PORTS = frozenset({80, 443})
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LONGEST_NAME = 253
_REMEDY = "give a host name, `*.domain`, an IP address or a CIDR block, with `:port` for another port than 80 and 443"
_NEVER = (ip_network("0.0.0.0/8"), ip_network("224.0.0.0/3"), ip_network("::/128"), ip_network("ff00::/8"))
_LINK = (ip_network("127.0.0.0/8"), ip_network("169.254.0.0/16"), ip_network("::1/128"), ip_network("fe80::/10"))
_NAT64 = ip_network("64:ff9b::/96")
_METADATA = (ip_network("100.100.100.200/32"), ip_network("168.63.129.16/32"), ip_network("fd00:ec2::254/128"))
"""Addresses beside link-local ones at which clouds hand a machine its own credentials."""


class Rule(msgspec.Struct, frozen=True):
    """One entry, parsed: a name, or a name's parent for a wildcard, or a network."""

    ports: frozenset[int]
    name: str = ""
    parent: str = ""
    network: Network | None = None


class Policy:
    """The allow list. Nothing is allowed that no entry names."""

    def __init__(self, allow: tuple[str, ...]) -> None:
        self.rules = tuple(parse_entry(entry) for entry in allow)
        self.names = tuple(dict.fromkeys(rule.name for rule in self.rules if rule.name))

    def knows(self, name: str) -> bool:
        """Whether `name` (canonical) is allowed at any port, and so has an address in the session's DNS."""
        return any(_names(rule, name) for rule in self.rules)

    def allows_name(self, name: str, port: int) -> bool:
        """Whether a connection to this name and port is allowed, wherever the name leads within `allows_result`."""
        return any(_names(rule, name) and port in rule.ports for rule in self.rules)

    def allows_address(self, address: Address, port: int, *, is_own: bool) -> bool:
        """Whether a session may dial this address itself; `is_own` says that it is this machine's."""
        address = unmapped(address)
        matching = [rule.network for rule in self.rules if rule.network and port in rule.ports and _in(address, rule)]
        if _is_never(address):
            return False
        if is_own or _is_close(address):
            return any(network.num_addresses == 1 for network in matching)
        return bool(matching)

    def allows_result(self, name: str, address: Address, port: int, *, is_own: bool) -> bool:
        """Whether the relay may dial `address`, which is what the allowed `name` was resolved to.

        A name that an entry spells out may lead to a private network; one that a wildcard admits may not.
        """
        address = unmapped(address)
        if self.allows_address(address, port, is_own=is_own):
            return True
        if is_own or _is_never(address) or _is_close(address):
            return False
        is_spelled_out = any(rule.name == name and port in rule.ports for rule in self.rules)
        return is_spelled_out or address.is_global


def parse_entry(entry: str) -> Rule:
    """One entry of an allow list; raises InvalidSetting.

    >>> parse_entry("Mirror.Example.:8080").name, parse_entry("*.example").parent
    ('mirror.example', 'example')
    >>> parse_entry("192.0.2.0/24").network
    IPv4Network('192.0.2.0/24')
    """
    host, ports = _split_port(entry)
    if "/" in host or ":" in host or _looks_numeric(host.lower().rstrip(".")):
        return Rule(ports, network=_parse_network(entry, host))
    is_wildcard = host.startswith("*.")
    name = canonical_name(host.removeprefix("*."))
    if name is None:
        raise _invalid(entry)
    return Rule(ports, parent=name) if is_wildcard else Rule(ports, name=name)


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


def unmapped(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one that only wraps it (mapped, 6to4, NAT64): packets would end up there."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _split_port(entry: str) -> tuple[str, frozenset[int]]:
    bracketed = re.fullmatch(r"\[([0-9A-Fa-f:./]+)\](?::([0-9]{1,5}))?", entry)
    plain = re.fullmatch(r"([^:\[\]]+)(?::([0-9]{1,5}))?", entry)
    match = bracketed or plain
    if match is None:
        return entry, DEFAULT_PORTS
    if match[2] is None:
        return match[1], DEFAULT_PORTS
    if not 0 < int(match[2]) < 65536:
        raise _invalid(entry)
    return match[1], frozenset({int(match[2])})


def _parse_network(entry: str, host: str) -> Network:
    try:
        network = ip_network(host, strict=True)
    except ValueError:
        raise _invalid(entry) from None
    if isinstance(network, IPv6Network) and (mapped := network.network_address.ipv4_mapped):
        network = ip_network((mapped, max(0, network.prefixlen - 96)))
    if "%" in host or (_is_never(network.network_address) and network.prefixlen > 0):
        raise _invalid(entry)
    return network


def _looks_numeric(name: str) -> bool:
    """Whether programs would take this for an IPv4 address in one of its many spellings: its last part is a number."""
    return _NUMBER.fullmatch(name.rsplit(".", 1)[-1]) is not None


def _names(rule: Rule, name: str) -> bool:
    return rule.name == name if rule.name else bool(rule.parent) and name.endswith("." + rule.parent)


def _in(address: Address, rule: Rule) -> bool:
    return rule.network is not None and address.version == rule.network.version and address in rule.network


def _is_never(address: Address) -> bool:
    return any(address.version == network.version and address in network for network in _NEVER)


def _is_close(address: Address) -> bool:
    return any(address.version == network.version and address in network for network in (*_LINK, *_METADATA))


def _invalid(entry: str) -> InvalidSetting:
    return InvalidSetting(name="allow", value=entry, remedy=_REMEDY)


def parse_address(text: str) -> Address:
    """An IP address from its one normal spelling; raises ValueError."""
    return unmapped(ip_address(text))
