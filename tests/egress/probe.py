"""Runs inside a session, given on stdin: tries one way out, prints what comes. `probe.py KIND HOST PORT [NAME]`."""

import socket
import struct
import sys

SECONDS = 3.0
QUESTIONS = {"A": 1, "TXT": 16, "AAAA": 28, "ANY": 255}


def tcp(host: str, port: int, _: str) -> str:
    """What a server says when spoken to."""
    with socket.create_connection((host, port), timeout=SECONDS) as client:
        client.sendall(b"hello\n")
        return client.recv(64).decode(errors="replace") or "closed"


def udp(host: str, port: int, _: str) -> str:
    """What answers a datagram."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(SECONDS)
        client.connect((host, port))
        client.send(b"hello")
        return client.recv(64).decode(errors="replace")


def question(kind: str, name: str) -> bytes:
    """A query in DNS's own form."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", QUESTIONS[kind], 1)


def dns(host: str, port: int, text: str) -> str:
    """The code and the count of answers to a question such as TXT:example.org."""
    kind, _, name = text.partition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(SECONDS)
        client.connect((host, port))
        client.send(question(kind, name))
        _, flags, _, answers, _, _ = struct.unpack("!HHHHHH", client.recv(4096)[:12])
        return f"code {flags & 15}, {answers} answers"


def named(_: str, port: int, name: str) -> str:
    """The same as tcp, at the address that DNS gives for a name, past /etc/hosts."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(SECONDS)
        client.sendto(question("A", name), ("127.0.0.1", 53))
        return tcp(socket.inet_ntoa(client.recv(4096)[-4:]), port, "")


def interfaces(_: str, __: int, ___: str) -> str:
    """The names of all network interfaces: what packets written by hand could leave by."""
    return " ".join(name for _, name in socket.if_nameindex())


kind, place, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
try:
    print(
        {"tcp": tcp, "udp": udp, "dns": dns, "named": named, "interfaces": interfaces}[kind](
            place, number, (sys.argv[4:] or [""])[0]
        )
    )
except OSError as error:
    print(f"nothing: {type(error).__name__}")
