"""The redirect of a sandbox's DNS and TCP to the relay's listeners, told to the kernel's nf_tables over netlink.

What `nft -f` would do with the table below, without the program (5 ms a sandbox, and a package that a host may lack):

    table ip cove {
        chain output {
            type nat hook output priority -100; policy accept;
            ip daddr 127.0.0.0/8 return
            udp dport 53 redirect to :53
            tcp dport 53 redirect to :53
            meta l4proto tcp redirect to :15001
        }
    }

Whatever resolver a program asks, the relay answers; whatever TCP it opens, the relay decides.
"""

import os
import socket
import struct

_TABLE, _CHAIN = b"cove\0", b"output\0"
_NETLINK_NETFILTER, _NFNL_BATCH_BEGIN, _NFNL_BATCH_END, _NFTABLES = 12, 16, 17, 10
_NEW_TABLE, _NEW_CHAIN, _NEW_RULE = (_NFTABLES << 8 | kind for kind in (0, 3, 6))
_REQUEST, _ACK, _CREATE, _APPEND = 1, 4, 0x400, 0x800
_ERROR, _NESTED = 2, 0x8000
_HOOK_OUTPUT, _DST_NAT_PRIORITY = 3, -100
_REGISTER, _VERDICT_REGISTER, _RETURN = 1, 0, -5
_NETWORK_HEADER, _TRANSPORT_HEADER, _L4_PROTOCOL = 1, 2, 16
_HEADER, _GENERIC = struct.Struct("=IHHII"), struct.Struct("!BBH")


def install_redirect(dns_port: int, relay_port: int) -> None:
    """Install the redirect in the network namespace that we are in, and of which we are root; raises OSError."""
    messages = [
        (_NEW_TABLE, _CREATE, _attribute(1, _TABLE)),
        (_NEW_CHAIN, _CREATE, _chain()),
        *((_NEW_RULE, _CREATE | _APPEND, _rule(*parts)) for parts in _rules(dns_port, relay_port)),
    ]
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_NETFILTER) as netlink:
        netlink.bind((0, 0))
        netlink.send(_batch(messages))
        _await_acknowledgements(netlink, len(messages))


def _rules(dns_port: int, relay_port: int) -> list[tuple[bytes, ...]]:
    loopback = (_load(_NETWORK_HEADER, 16, 1), _equals(b"\x7f"), _return())
    dns = [
        (_load_protocol(), _equals(bytes([protocol])), _load(_TRANSPORT_HEADER, 2, 2), _equals(struct.pack("!H", 53)))
        for protocol in (socket.IPPROTO_UDP, socket.IPPROTO_TCP)
    ]
    rest = (_load_protocol(), _equals(bytes([socket.IPPROTO_TCP])), *_redirect(relay_port))
    return [loopback, *((*match, *_redirect(dns_port)) for match in dns), rest]


def _chain() -> bytes:
    hook = _attribute(1, struct.pack("!I", _HOOK_OUTPUT)) + _attribute(2, struct.pack("!i", _DST_NAT_PRIORITY))
    accept = _attribute(5, struct.pack("!I", 1))
    return _attribute(1, _TABLE) + _attribute(3, _CHAIN) + _attribute(7, b"nat\0") + accept + _nest(4, hook)


def _rule(*expressions: bytes) -> bytes:
    return _attribute(1, _TABLE) + _attribute(2, _CHAIN) + _nest(4, b"".join(expressions))


def _load(header: int, offset: int, length: int) -> bytes:
    return _expression(b"payload", _numbers(_REGISTER, header, offset, length))


def _load_protocol() -> bytes:
    return _expression(b"meta", _numbers(_REGISTER, _L4_PROTOCOL))


def _equals(value: bytes) -> bytes:
    return _expression(b"cmp", _numbers(_REGISTER, 0) + _nest(3, _attribute(1, value)))


def _redirect(port: int) -> tuple[bytes, bytes]:
    value = _nest(2, _attribute(1, struct.pack("!H", port)))
    return _expression(b"immediate", _numbers(_REGISTER) + value), _expression(b"redir", _numbers(_REGISTER))


def _return() -> bytes:
    verdict = _nest(2, _nest(2, _attribute(1, struct.pack("!i", _RETURN))))
    return _expression(b"immediate", _numbers(_VERDICT_REGISTER) + verdict)


def _expression(name: bytes, data: bytes) -> bytes:
    return _nest(1, _attribute(1, name + b"\0") + _nest(2, data))


def _numbers(*values: int) -> bytes:
    """Attributes 1, 2, … of four bytes each."""
    return b"".join(_attribute(kind, struct.pack("!I", value)) for kind, value in enumerate(values, start=1))


def _nest(kind: int, data: bytes) -> bytes:
    return _attribute(kind | _NESTED, data)


def _attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def _batch(messages: list[tuple[int, int, bytes]]) -> bytes:
    """Taken whole, or not at all."""
    edge = _GENERIC.pack(socket.AF_UNSPEC, 0, _NFTABLES)
    body = _message(_NFNL_BATCH_BEGIN, 0, 0, edge)
    for number, (kind, flags, data) in enumerate(messages, start=1):
        body += _message(kind, flags | _ACK, number, _GENERIC.pack(socket.AF_INET, 0, 0) + data)
    return body + _message(_NFNL_BATCH_END, 0, len(messages) + 1, edge)


def _message(kind: int, flags: int, number: int, body: bytes) -> bytes:
    return _HEADER.pack(_HEADER.size + len(body), kind, _REQUEST | flags, number, 0) + body


def _await_acknowledgements(netlink: socket.socket, count: int) -> None:
    """The kernel has answered before `send` returned."""
    while count > 0:
        answers, at = netlink.recv(65536, socket.MSG_DONTWAIT), 0
        while at < len(answers):
            length, kind, _, number, _ = _HEADER.unpack_from(answers, at)
            error = struct.unpack_from("=i", answers, at + _HEADER.size)[0] if kind == _ERROR else 0
            if error:
                raise OSError(-error, f"nf_tables request {number}: {os.strerror(-error)}")
            at, count = at + (length + 3 & ~3), count - 1
