"""The one socket at which every session's links arrive."""

import contextlib
import socket

import pytest

from cove.gateway import listen_on_loopback

pytestmark = pytest.mark.claim("links-apart")


def test_it_hears_every_loopback_address() -> None:
    with contextlib.closing(listen_on_loopback(0)) as listener:
        port = listener.getsockname()[1]
        for address in ("127.0.0.1", "127.1.0.0", "127.128.7.9", "127.255.255.254"):
            with socket.create_connection((address, port), timeout=5):
                taken, _ = listener.accept()
                with taken:
                    assert taken.getsockname() == (address, port)


@pytest.mark.parametrize("option", [0, socket.SO_REUSEADDR, socket.SO_REUSEPORT])
@pytest.mark.parametrize("address", ["127.1.2.3", "0.0.0.0", "127.0.0.1"])
def test_nobody_else_can_take_a_sessions_address(address: str, option: int) -> None:
    with contextlib.closing(listen_on_loopback(0)) as listener, socket.socket() as thief:
        if option:
            thief.setsockopt(socket.SOL_SOCKET, option, 1)
        with pytest.raises(OSError, match="Address already in use"):
            take(thief, address, listener.getsockname()[1])


def take(thief: socket.socket, address: str, port: int) -> None:
    thief.bind((address, port))
    thief.listen()


def test_it_hears_no_network() -> None:
    """What comes in by another device than `lo` is not for it; this machine itself is always on `lo`."""
    with contextlib.closing(listen_on_loopback(0)) as listener:
        device = listener.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16)
    assert device.rstrip(b"\0") == b"lo"
