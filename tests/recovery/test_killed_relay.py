"""kill -9 of the relay: its sessions get out again, even beside one that is hostile."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.waiting import until

from .running import Cove

SQUAT = """
import socket, time
while True:
    try:
        door = socket.create_server(("127.0.0.1", 15001))
        open("/home/wuying/taken", "w").write("yes")
        time.sleep(1000)
    except OSError:
        time.sleep(0.001)
"""


def test_relay_is_made_again_and_serves_the_session_on(cove: Cove) -> None:
    with greeter() as (host, port):
        fetch = f"exec 3<>/dev/tcp/{host}/{port}; echo >&3; cat <&3"
        cove.start(allow=(f"{host}:{port}",))
        session = cove.create()
        assert cove.shell(session, fetch) == "hello"
        (killed,) = cove.helper("cove.node.relay")
        os.kill(killed, signal.SIGKILL)
        until(lambda: set(cove.helper("cove.node.relay")) - {killed}, "there is another relay")
        until(lambda: cove.shell(session, f"({fetch}) 2>/dev/null || true") == "hello", "the session gets out again")
        cove.kill()  # and the relay goes with the server
        cove.start(allow=(f"{host}:{port}",))
        assert cove.shell(session, fetch) == "hello"
        assert len(cove.helper("cove.node.relay")) == 1
        cove.assert_truth()
        cove.end_all()


def test_session_that_takes_the_relays_port_costs_no_other_its_way_out(cove: Cove) -> None:
    with greeter() as (host, port):
        cove.start(allow=(f"{host}:{port}",))
        hostile, honest = cove.create(), cove.create()
        cove.shell(hostile, f"python3 -c '{SQUAT}' >/dev/null 2>&1 &")
        (killed,) = cove.helper("cove.node.relay")
        os.kill(killed, signal.SIGKILL)
        until(lambda: cove.look(hostile, "/home/wuying/taken"), "the port is taken")
        fetch = f"exec 3<>/dev/tcp/{host}/{port}; echo >&3; cat <&3"
        until(lambda: cove.shell(honest, f"({fetch}) 2>/dev/null || true") == "hello", "the other gets out again")
        cove.kill()
        cove.start(allow=(f"{host}:{port}",))
        assert cove.shell(honest, fetch) == "hello"
        cove.assert_truth()
        cove.end_all()


@contextmanager
def greeter() -> Iterator[tuple[str, int]]:
    """A server on this machine that says hello when spoken to, at an address that is not loopback."""
    with socket.create_server((own_address(), 0)) as door:
        threading.Thread(target=_greet, args=(door,), daemon=True).start()
        try:
            yield door.getsockname()
        finally:
            door.shutdown(socket.SHUT_RDWR)


def _greet(door: socket.socket) -> None:
    while True:
        try:
            connection, _ = door.accept()
        except OSError:  # the test is over
            return
        with connection:
            connection.recv(1)
            connection.sendall(b"hello")


def own_address() -> str:
    """An address of this machine that a sandbox does not take for its own loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: the kernel only chooses the address
        except OSError:
            pytest.skip("this machine has no address but loopback")
        return str(probe.getsockname()[0])
