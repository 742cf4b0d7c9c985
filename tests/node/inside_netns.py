"""A program inside a sandbox's network: makes it, then does what each line on stdin says. Run by test_relay."""

import json
import os
import selectors
import socket
import sys
import threading
from contextlib import suppress
from typing import Any

from cove.node.netns import RELAY_PORT, bring_up_loopback, setup_egress
from cove.node.syscalls import CLONE_NEWNET, unshare

SECONDS = 60.0


def ready() -> dict[str, Any]:
    return {}


def udp(host: str, send: str, port: int = 53, seconds: float = SECONDS) -> dict[str, Any]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(seconds)
        client.connect((host, port))
        client.send(bytes.fromhex(send))
        return {"received": client.recv(4096).hex()}


def tcp(host: str, send: str) -> dict[str, Any]:
    message = bytes.fromhex(send)
    with socket.create_connection((host, 53), timeout=SECONDS) as client:
        client.sendall(len(message).to_bytes(2) + message[:5])
        client.sendall(message[5:])
        length = int.from_bytes(client.recv(2))
        return {"received": client.recv(length).hex()}


def exchange(host: str, port: int, send: str = "", raw: str = "") -> dict[str, Any]:
    with socket.create_connection((host, port), timeout=SECONDS) as client:
        client.sendall(send.encode() or bytes.fromhex(raw))
        with suppress(OSError):  # broken off by now: reading tells
            client.shutdown(socket.SHUT_WR)
        return {"received": b"".join(iter(lambda: client.recv(65536), b"")).decode()}


def greeted(host: str, port: int, count: int, send: str) -> dict[str, Any]:
    """Wait for `count` bytes before sending anything, as a client of SSH, SMTP or MySQL does."""
    with socket.create_connection((host, port), timeout=SECONDS) as client:
        greeting = client.recv(count, socket.MSG_WAITALL).decode()
        client.sendall(send.encode())
        client.shutdown(socket.SHUT_WR)
        return {"greeting": greeting, "received": b"".join(iter(lambda: client.recv(65536), b"")).decode()}


def drain(host: str, port: int) -> dict[str, Any]:
    """Say nothing, not even that nothing will come, and count what comes."""
    with socket.create_connection((host, port), timeout=SECONDS) as client:
        return {"received": sum(map(len, iter(lambda: client.recv(1 << 20), b"")))}


def bulk(host: str, port: int, size: int) -> dict[str, Any]:
    with socket.create_connection((host, port), timeout=SECONDS) as client:
        block = os.urandom(1 << 20)

        def send() -> None:
            for _ in range(size // len(block)):
                client.sendall(block)
            client.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        received = sum(map(len, iter(lambda: client.recv(1 << 20), b"")))
        sender.join()
        return {"received": received}


def through_proxy(target: str, send: str) -> dict[str, Any]:
    """Ask the relay's own port for a connection, as a client of a proxy does; then as `exchange`."""
    with socket.create_connection(("127.0.0.1", RELAY_PORT), timeout=SECONDS) as client:
        client.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        answer = b""
        while b"\r\n\r\n" not in answer and (piece := client.recv(4096)):
            answer += piece
        if not answer.startswith(b"HTTP/1.1 200 "):
            return {"status": answer.split(b"\r\n")[0].decode()}
        client.sendall(send.encode())
        client.shutdown(socket.SHUT_WR)
        return {"received": b"".join(iter(lambda: client.recv(65536), b"")).decode()}


def hold(host: str, port: int, count: int) -> dict[str, Any]:
    """Open `count` connections and keep them; says how many were answered when no more answers came for a second."""
    waiting, answered = selectors.DefaultSelector(), 0
    for _ in range(count):
        client = socket.create_connection((host, port), timeout=SECONDS)
        waiting.register(client, selectors.EVENT_READ)
        HELD.append(client)
    while came := waiting.select(timeout=1.0):
        for key, _ in came:
            answered += 1
            waiting.unregister(key.fileobj)
    return {"answered": answered}


def flood(host: str, send: str, count: int) -> dict[str, Any]:
    """Ask `count` times and wait for no answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for _ in range(count):
            client.sendto(bytes.fromhex(send), (host, 53))
    return {}


HELD: list[socket.socket] = []
ACTIONS = {
    each.__name__: each for each in (ready, udp, tcp, exchange, greeted, drain, bulk, through_proxy, hold, flood)
}


def main() -> None:
    unshare(CLONE_NEWNET)
    if "bare" in sys.argv:
        bring_up_loopback()
    else:
        setup_egress()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = ACTIONS[request.pop("do")](**request)
        except OSError as error:
            answer = {"failed": type(error).__name__}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
