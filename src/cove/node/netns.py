"""A sandbox's network: `lo` alone, every address local to it, and a redirect to listeners that the relay holds.

No route leaves the namespace, so what the relay does not carry goes nowhere. Runs single-threaded, in the launcher.
"""

import os
import socket
import struct

from cove.node.redirect import install_redirect
from cove.node.syscalls import CLONE_NEWNET, setns

DNS_PORT = 53
RELAY_PORT = 15001
_BACKLOG = 512
LOCALHOST = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
"""Where servers listen that were told to listen on `localhost`; those that listen everywhere are found at the first."""

_NLM_F_REQUEST, _NLM_F_ACK, _NLM_F_EXCL, _NLM_F_CREATE = 1, 4, 0x200, 0x400
_NLMSG_ERROR, _RTM_NEWLINK, _RTM_NEWROUTE = 2, 16, 24
_IFF_UP, _RTA_OIF = 1, 4
_RT_TABLE_LOCAL, _RTPROT_BOOT, _RT_SCOPE_HOST, _RTN_LOCAL = 255, 3, 254, 2
_HEADER = struct.Struct("=IHHII")
_RTNETLINK_GROUPS_NONE = 0


def setup_egress(relay_port: int = RELAY_PORT) -> bool:
    """Bring `lo` up, install the redirect and make every IPv4 address local; whether the kernel has the redirect.

    Without it, the relay is reached as a proxy alone. Raises OSError; run it as root of the user namespace that owns
    this network namespace.
    """
    bring_up_loopback()
    try:
        install_redirect(DNS_PORT, relay_port)
    except OSError:
        return False
    _add_any_ip_route()
    return True


def bring_up_loopback() -> None:
    """Bring up `lo` of the network namespace that we are in; raises OSError."""
    link = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, _loopback(), _IFF_UP, _IFF_UP)
    _request(_RTM_NEWLINK, 0, link)


def open_listeners(netns_fd: int) -> list[int]:
    """Descriptors of DNS over UDP, DNS over TCP and the relay's port, in this order, inside the namespace `netns_fd`.

    Enters the namespace and comes back; a process that cannot come back must not go on, and ends.
    """
    own = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        setns(netns_fd, CLONE_NEWNET)
        try:
            return open_all_listeners()
        finally:
            _return_to(own)
    finally:
        os.close(own)


def open_all_listeners() -> list[int]:
    """The same in the network namespace that we are in."""
    opened: list[socket.socket] = []
    try:
        for kind, port in (
            (socket.SOCK_DGRAM, DNS_PORT),
            (socket.SOCK_STREAM, DNS_PORT),
            (socket.SOCK_STREAM, RELAY_PORT),
        ):
            opened.append(_open(kind, port))
    except OSError:
        for listener in opened:
            listener.close()
        raise
    return [listener.detach() for listener in opened]


def open_sockets() -> tuple[socket.socket, ...]:
    """An unconnected socket for each place, in the network of the calling thread; without IPv6, for the first only."""
    made: list[socket.socket] = []
    for family, _ in LOCALHOST:
        try:
            made.append(socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK))
        except OSError:
            if not made:
                raise
    return tuple(made)


def _open(kind: int, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, kind | socket.SOCK_NONBLOCK)
    try:
        if kind == socket.SOCK_STREAM:  # a listener opened anew must not wait for connections of the one before
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        if kind == socket.SOCK_STREAM:
            listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _return_to(own: int) -> None:
    try:
        setns(own, CLONE_NEWNET)
    except OSError:
        os._exit(70)


def _add_any_ip_route() -> None:
    """What `ip route add local default dev lo` does."""
    route = struct.pack(
        "=BBBBBBBBI", socket.AF_INET, 0, 0, 0, _RT_TABLE_LOCAL, _RTPROT_BOOT, _RT_SCOPE_HOST, _RTN_LOCAL, 0
    )
    attribute = struct.pack("=HHi", 8, _RTA_OIF, _loopback())
    _request(_RTM_NEWROUTE, _NLM_F_CREATE | _NLM_F_EXCL, route + attribute)


def _loopback() -> int:
    return socket.if_nametoindex("lo")


def _request(kind: int, flags: int, body: bytes) -> None:
    """Send one rtnetlink request and take its acknowledgement; raises the kernel's OSError."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as netlink:
        netlink.bind((0, _RTNETLINK_GROUPS_NONE))
        length = _HEADER.size + len(body)
        netlink.send(_HEADER.pack(length, kind, _NLM_F_REQUEST | _NLM_F_ACK | flags, 1, 0) + body)
        answer = netlink.recv(4096)
    (_, answered, _, _, _), error = _HEADER.unpack_from(answer), struct.unpack_from("=i", answer, _HEADER.size)[0]
    if answered != _NLMSG_ERROR or error:
        raise OSError(-error, f"rtnetlink request {kind}: {os.strerror(-error)}")
