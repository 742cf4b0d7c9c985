"""Who knocks at the Unix socket is known by what the kernel says, whatever the directory lets in."""

import os
import socket
from pathlib import Path

import pytest

from .conftest import Door

NOBODY = 65534
ASK = b"GET /v1/sessions HTTP/1.1\r\nHost: cove\r\nConnection: close\r\n%s\r\n"


def _ask_as(uid: int, path: str, headers: bytes = b"") -> str:
    """The first line of the answer to a request that another user's process makes."""
    read, write = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(60)
                client.connect(path)
                client.sendall(ASK % headers)
                os.write(write, client.recv(4096))
        finally:
            os._exit(0)
    os.close(write)
    with open(read, "rb") as answer:
        said = answer.read().decode()
    os.waitpid(pid, 0)
    return said.partition("\r\n")[0]


@pytest.fixture
def path(doors: dict[str, Door]) -> str:
    """The socket, in a directory that an operator has opened to everybody."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    path = doors["unix"].endpoint.removeprefix("unix://")
    for place, mode in ((Path(path), 0o666), (Path(path).parent, 0o755), (Path(path).parent.parent, 0o755)):
        place.chmod(mode)
    return path


def test_another_user_needs_a_key(path: str, doors: dict[str, Door]) -> None:
    assert _ask_as(0, path) == "HTTP/1.1 200 OK"
    assert _ask_as(NOBODY, path) == "HTTP/1.1 401 Unauthorized"
    key = f"Authorization: Bearer {doors['tcp'].api_key}\r\n".encode()
    assert _ask_as(NOBODY, path, key) == "HTTP/1.1 200 OK"


@pytest.mark.parametrize("claim", [b"X-Forwarded-For: uid:0\r\n", b"Forwarded: for=uid:0\r\n", b"X-Real-IP: uid:0\r\n"])
def test_nobody_is_whom_a_header_says(path: str, claim: bytes) -> None:
    assert _ask_as(NOBODY, path, claim) == "HTTP/1.1 401 Unauthorized"
