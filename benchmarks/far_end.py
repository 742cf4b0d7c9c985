"""Both ends of a connection that is measured: `far_end.py serve HOST PORT`, and `far_end.py KIND HOST PORT ROUNDS`.

The client prints what it measured as a JSON list. `pour` is GB/s of a download, `connect` the milliseconds of a whole
connection: opened, spoken to, answered and closed. Nothing but the standard library, and whatever Python a session has.
"""

import json
import socket
import sys
import threading
import time

MIB, MIB_AT_ONCE = bytes(1024 * 1024), 1024


def serve(host: str, port: int) -> None:
    """Answer `p` with a gigabyte, everything else with a word; says `ready` once it listens."""
    door = socket.create_server((host, port), backlog=512)
    print("ready", flush=True)
    while True:
        connection, _ = door.accept()
        threading.Thread(target=answer, args=(connection,), daemon=True).start()


def answer(connection: socket.socket) -> None:
    """One client."""
    with connection:
        if connection.recv(1) == b"p":
            for _ in range(MIB_AT_ONCE):
                connection.sendall(MIB)
        else:
            connection.sendall(b"word")


def pour(host: str, port: int, rounds: int) -> list[float]:
    """GB/s, `rounds` times."""
    found, buffer = [], bytearray(len(MIB))
    for _ in range(rounds):
        with socket.create_connection((host, port)) as connection:
            start, total = time.perf_counter(), 0
            connection.sendall(b"p")
            while size := connection.recv_into(buffer):
                total += size
            found.append(total / (time.perf_counter() - start) / 1e9)
        assert total == MIB_AT_ONCE * len(MIB), total
    return found


def connect(host: str, port: int, rounds: int) -> list[float]:
    """Milliseconds, `rounds` times."""
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        with socket.create_connection((host, port)) as connection:
            connection.sendall(b"c")
            assert connection.recv(4) == b"word"
        found.append((time.perf_counter() - start) * 1000)
    return found


if __name__ == "__main__":
    kind, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if kind == "serve":
        serve(host, port)
    print(json.dumps({"pour": pour, "connect": connect}[kind](host, port, int(sys.argv[4]))))
