"""What one session may reach: its policy, within what the operator gives. Pure: decides about text and numbers.

Closed to everybody, whatever a session's policy says, is what is not public: this machine's own addresses, loopback,
links, metadata, private networks. Only the operator's entries open it: a block opens no address of this machine, its
loopback or its links, and neither does a name; only that very literal does.
"""

from ipaddress import IPv4Address, ip_address, ip_network

from cove.core.network import (
    EVERY_PORT,
    Address,
    Entry,
    NetworkPolicy,
    canonical_name,
    is_unspecified,
    parse_entry,
)

CLOSED = NetworkPolicy(mode="none")
NOT_PUBLIC = "not public"
_LINK = (ip_network("127.0.0.0/8"), ip_network("169.254.0.0/16"), ip_network("::1/128"), ip_network("fe80::/10"))
_METADATA = (ip_network("100.100.100.200/32"), ip_network("168.63.129.16/32"), ip_network("fd00:ec2::254/128"))
"""Addresses beside link-local ones at which clouds hand a machine its own credentials."""
_NAT64 = ip_network("64:ff9b::/96")
_PUBLIC_IPV6 = ip_network("2000::/3")
_NOT_PUBLIC_IPV6 = (ip_network("2001::/23"), ip_network("2001:db8::/32"), ip_network("3fff::/20"))
"""Within global unicast: protocol assignments (Teredo carries IPv4 addresses), and documentation."""


class Policy:
    """One session's policy, and the operator's entries that widen it. Raises InvalidNetwork."""

    def __init__(self, policy: NetworkPolicy, granted: tuple[str, ...] = ()) -> None:
        self.mode = policy.mode
        self._granted = tuple(map(parse_entry, granted))
        self._allow = tuple(map(parse_entry, policy.allow))
        self._deny = tuple(parse_entry(entry, EVERY_PORT) for entry in policy.deny)
        spelled_out = {"open": self._granted, "rules": self._allow, "none": ()}[self.mode]
        self.names = tuple(dict.fromkeys(entry.name for entry in spelled_out if entry.name))

    def knows(self, name: str) -> bool:
        """Whether `name` (canonical) may have an address in the session's DNS."""
        if any(entry.has_name(name) and entry.ports == EVERY_PORT for entry in self._deny):
            return False
        return self.mode == "open" or (self.mode == "rules" and any(entry.has_name(name) for entry in self._allow))

    def spells_out(self, name: str) -> bool:
        """Whether an entry names it, or its parent: such a name has an address whether or not there is such a host."""
        return any(entry.has_name(name) for entry in (*self._allow, *self._granted))

    def leads_somewhere(self, address: Address, *, is_own: bool) -> bool:
        """Whether a name of the open internet that was resolved to `address` may be reached at any port."""
        address = unmapped(address)
        if is_unspecified(address) or any(e.has_address(address) and e.ports == EVERY_PORT for e in self._deny):
            return False
        return (_is_public(address) and not is_own) or any(entry.has_address(address) for entry in self._granted)

    def reason(self, address: Address, *, is_own: bool) -> str:
        """Why an address is refused, in a word for the log."""
        address = unmapped(address)
        is_public = _is_public(address) and not is_own
        is_granted = any(entry.has_address(address) for entry in self._granted)
        return "not allowed" if self.mode == "none" or is_public or is_granted else NOT_PUBLIC

    def allows_name(self, name: str, port: int) -> bool:
        """Whether a connection to this name and port is allowed, wherever the name leads within `allows_result`."""
        if self.mode == "none" or _has_name(self._deny, name, port):
            return False
        return self.mode == "open" or _has_name(self._allow, name, port)

    def allows_hello(self, host: str, name: str, port: int) -> bool:
        """Whether TLS spoken to `name` may ask for `host`: where names are what is held to, for that name alone."""
        return host == name if self.mode == "rules" else self.allows_name(canonical_name(host) or "", port)

    @property
    def reads_hellos(self) -> bool:
        """Whether it matters which host a TLS hello names."""
        return self.mode == "rules" or any(entry.network is None for entry in self._deny)

    def allows_address(self, address: Address, port: int, *, is_own: bool) -> bool:
        """Whether a session may dial this address itself; `is_own` says that it is this machine's."""
        address = unmapped(address)
        if self._is_shut(address, port) or (self.mode == "rules" and not _networks(self._allow, address, port)):
            return False
        return (_is_public(address) and not is_own) or self._is_granted(address, port, is_own=is_own)

    def allows_result(self, name: str, address: Address, port: int, *, is_own: bool) -> bool:
        """Whether the relay may dial `address`, which is what the allowed `name` was resolved to.

        A name that the operator spells out may lead to a private network; one that a wildcard admits may not. A name
        of a session's own rules leads to nothing granted that the rules do not name: its owner is somebody else.
        """
        address = unmapped(address)
        if self._is_shut(address, port):
            return False
        is_named = self.mode == "open" or bool(_networks(self._allow, address, port))
        if (_is_public(address) and not is_own) or (is_named and self._is_granted(address, port, is_own=is_own)):
            return True
        is_near = is_own or _is_close(address)
        return not is_near and any(entry.name == name and entry.has_port(port) for entry in self._granted)

    def _is_shut(self, address: Address, port: int) -> bool:
        return self.mode == "none" or is_unspecified(address) or bool(_networks(self._deny, address, port))

    def _is_granted(self, address: Address, port: int, *, is_own: bool) -> bool:
        networks = _networks(self._granted, address, port)
        if is_own or _is_close(address):
            return any(entry.network is not None and entry.network.num_addresses == 1 for entry in networks)
        return bool(networks)


def unmapped(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one that only wraps it (mapped, 6to4, NAT64): packets would end up there."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def parse_address(text: str) -> Address:
    """An IP address from its one normal spelling; raises ValueError."""
    return unmapped(ip_address(text))


def _is_public(address: Address) -> bool:
    if _is_close(address):
        return False
    if isinstance(address, IPv4Address):
        return address.is_global
    return address in _PUBLIC_IPV6 and not any(address in network for network in _NOT_PUBLIC_IPV6)


def _is_close(address: Address) -> bool:
    return any(address.version == network.version and address in network for network in (*_LINK, *_METADATA))


def _networks(entries: tuple[Entry, ...], address: Address, port: int) -> list[Entry]:
    return [entry for entry in entries if entry.has_address(address) and entry.has_port(port)]


def _has_name(entries: tuple[Entry, ...], name: str, port: int) -> bool:
    return any(entry.has_name(name) and entry.has_port(port) for entry in entries)
