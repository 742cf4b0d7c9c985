"""What node and relay say to each other: one JSON message per SEQPACKET record, descriptors beside it."""

import array
import socket

import msgspec

MOST_BYTES = 512 * 1024
LISTENERS = 3
"""Descriptors that come with an attach: DNS over UDP, DNS over TCP, and all other TCP, in this order."""


class Order(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """From the node. `op` is policy (first, with `allow`), attach, detach or usage; the latter three name a session."""

    op: str
    number: int = 0
    session: str = ""
    allow: tuple[str, ...] = ()


class Reply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """From the relay, one for each order and with its number; `error` is empty when the order was obeyed."""

    number: int = 0
    error: str = ""
    rx_bytes: int = 0
    tx_bytes: int = 0


def send_order(control: socket.socket, order: Order, fds: list[int]) -> None:
    """Send; raises OSError."""
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    control.sendmsg([msgspec.json.encode(order)], rights)


def receive_order(control: socket.socket) -> tuple[Order, list[socket.socket]] | None:
    """The next order and the sockets that came with it; None at the end. Raises OSError, or ValueError for no order."""
    body, fds, _, _ = socket.recv_fds(control, MOST_BYTES, LISTENERS, socket.MSG_CMSG_CLOEXEC)
    sockets = [socket.socket(fileno=fd) for fd in fds]
    return (msgspec.json.decode(body, type=Order), sockets) if body else None
