"""The relay ends with its node, whatever it still waits for: its ports are wanted by the next one."""

import socket
import subprocess
import sys
from contextlib import ExitStack

from tests.waiting import BOUND

from cove.core.network import NetworkPolicy
from cove.node.relay.control import MOST_BYTES, Order, send_order

NAME = "slow.test:443"
RELAY = """
import socket, time
def ask(*_, **__):
    print("asked", flush=True)
    time.sleep(600)
socket.getaddrinfo = ask
from cove.node.relay.__main__ import main
main()
"""
"""A relay on a machine whose resolver answers nobody."""


def test_relay_waits_for_no_resolver_when_its_node_is_gone() -> None:
    with ExitStack() as stack:
        ours, theirs = (stack.enter_context(end) for end in socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET))
        kinds = (socket.SOCK_DGRAM, socket.SOCK_STREAM, socket.SOCK_STREAM)
        listeners = [stack.enter_context(socket.socket(socket.AF_INET, kind)) for kind in kinds]
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        for listener in listeners[1:]:
            listener.listen()
        command = [sys.executable, "-c", RELAY, str(theirs.fileno())]
        relay = stack.enter_context(subprocess.Popen(command, pass_fds=[theirs.fileno()], stdout=subprocess.PIPE))
        stack.callback(relay.kill)
        theirs.close()
        ours.settimeout(BOUND)
        _order(ours, Order(op="grant", granted=(NAME,)))
        policy = NetworkPolicy(mode="rules", allow=(NAME,))
        _order(ours, Order(op="attach", session="s-1", policy=policy), [each.fileno() for each in listeners])
        client = stack.enter_context(socket.create_connection(listeners[2].getsockname()))
        client.sendall(f"CONNECT {NAME} HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
        assert relay.stdout
        assert relay.stdout.readline() == b"asked\n"

        ours.close()

        assert relay.wait(BOUND) == 0


def _order(control: socket.socket, order: Order, fds: list[int] | None = None) -> None:
    send_order(control, order, fds or [])
    assert b"error" not in control.recv(MOST_BYTES)
