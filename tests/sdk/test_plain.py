"""The sync client's own HTTP: connections are used again, not when they are dead, and by one thread at a time."""

import os
import resource
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import pytest

import cove
from cove.testing import Cove


def test_one_thread_uses_one_connection(cove_server: "Counting") -> None:
    with cove.AgentBay("k", endpoint=cove_server.endpoint) as bay:
        for _ in range(5):
            bay.server.health()
    assert cove_server.connections == 1


def test_threads_at_once_have_a_connection_each(cove_server: "Counting") -> None:
    with cove.AgentBay("k", endpoint=cove_server.endpoint) as bay, ThreadPoolExecutor(4) as threads:
        assert len(list(threads.map(lambda _: bay.server.health(), range(40)))) == 40
    assert 1 <= cove_server.connections <= 4


def test_a_connection_that_the_server_has_closed_is_not_used_again(cove_server: "Counting") -> None:
    with cove.AgentBay("k", endpoint=cove_server.endpoint) as bay:
        bay.server.health()
        cove_server.hang_up()
        bay.server.health()
    assert cove_server.connections == 2


def test_a_client_that_was_closed_connects_again(cove_server: "Counting") -> None:
    bay = cove.AgentBay("k", endpoint=cove_server.endpoint)
    bay.server.health()
    bay.close()
    bay.server.health()
    assert cove_server.connections == 2
    bay.close()


def test_a_program_with_thousands_of_files_open_is_served(cove_server: "Counting") -> None:
    with open_files(2000), cove.AgentBay("k", endpoint=cove_server.endpoint) as bay:
        bay.server.health()
        bay.server.health()
    assert cove_server.connections == 1


@contextmanager
def open_files(count: int) -> Iterator[None]:
    """So many more files are open until the block is left."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count + 1000), hard))
    opened: list[int] = []
    try:
        opened += (os.open("/dev/null", os.O_RDONLY) for _ in range(count))
        yield
    finally:
        for descriptor in opened:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_path_before_the_api_is_kept() -> None:
    with Counting() as server, cove.AgentBay("k", endpoint=f"{server.endpoint}/behind/a/proxy") as bay:
        bay.server.health()
        assert server.heads[0].startswith(b"GET /behind/a/proxy/healthz HTTP/1.1")


def test_large_bodies_pass_both_ways(cove: Any) -> None:
    with _client(cove).open() as session:
        text = "x" * 700_000
        session.file_system.write_file("big", text).unwrap()
        assert session.file_system.read_file("big").content == text


def _client(cove_server: Cove) -> Any:
    return cove.AgentBay(cove_server.api_key, endpoint=cove_server.endpoint)


class Counting:
    """An HTTP server of one answer, which counts its connections and can hang up."""

    ANSWER = b'{"status":"ok","version":"1","pid":1}'

    def __init__(self) -> None:
        self.connections = 0
        self.heads: list[bytes] = []
        self._door = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self.endpoint = f"http://127.0.0.1:{self._door.getsockname()[1]}"

    def __enter__(self) -> "Counting":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self.hang_up()
        self._thread.join(10)

    def hang_up(self) -> None:
        """Close every connection, as a server does that is tired of waiting."""
        for connection in self._open:
            with suppress(OSError):  # the client has hung up before
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._open.clear()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._door.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        head = b""
        while True:
            try:
                piece = connection.recv(65536)
            except OSError:
                return
            if not piece:
                return
            head += piece
            if head.endswith(b"\r\n\r\n"):
                self.heads.append(head)
                head = b""
                length = str(len(self.ANSWER)).encode()
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: " + length + b"\r\n\r\n" + self.ANSWER)


@pytest.fixture
def cove_server() -> Any:
    with Counting() as server:
        yield server
