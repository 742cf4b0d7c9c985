"""What node and relay say to each other: one JSON message per SEQPACKET record, descriptors beside it."""

import array
import socket

import msgspec

from cove.core.network import Connection, NetworkPolicy
from cove.node.relay.policy import CLOSED

MOST_BYTES = 512 * 1024
LISTENERS = 3
"""Descriptors that come with an attach: DNS over UDP, DNS over TCP, and all other TCP, in this order."""


class Order(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """From the node. `op` is grant (first, with `granted`), or log_to (with a descriptor), or names a session: attach
    and policy (with `policy`), detach, usage, log (with `after`).
    """

    op: str
    number: int = 0
    session: str = ""
    granted: tuple[str, ...] = ()
    policy: NetworkPolicy = CLOSED
    after: int = 0


class Reply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """From the relay, one for each order and with its number; `error` is empty when the order was obeyed."""

    number: int = 0
    error: str = ""
    rx_bytes: int = 0
    tx_bytes: int = 0
    lines: tuple[Connection, ...] = ()


def send_order(control: socket.socket, order: Order, fds: list[int]) -> None:
    """Send; raises OSError."""
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    control.sendmsg([msgspec.json.encode(order)], rights)


def receive_order(control: socket.socket) -> tuple[Order, list[int]] | None:
    """The next order and the descriptors that came with it; None at the end. Raises OSError, or ValueError."""
    body, fds, _, _ = socket.recv_fds(control, MOST_BYTES, LISTENERS, socket.MSG_CMSG_CLOEXEC)
    return (msgspec.json.decode(body, type=Order), list(fds)) if body else None
