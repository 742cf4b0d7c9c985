"""Runs inside a session, given on stdin: tries one way out, prints what comes. `probe.py KIND HOST PORT [TEXT]`."""

import os
import socket
import ssl
import struct
import sys
from collections.abc import Callable

SECONDS = 30.0
QUESTIONS = {"A": 1, "TXT": 16, "AAAA": 28, "ANY": 255, "NULL": 10}


def tcp(host: str, port: int, _: str) -> str:
    """What a server says when spoken to; the empty line tells a proxy that this was all of the request."""
    return speak(host, port, b"hello\r\n\r\n")


def often(host: str, port: int, text: str) -> str:
    """The same four times over; the answers that differ."""
    return ", ".join(sorted({tcp(host, port, text) for _ in range(4)}))


def each(_: str, __: int, places: str) -> str:
    """Of these places, each `host port`, those that answer; with their answers."""
    answers = [f"{place}: {attempt(tcp, *place.split())}" for place in places.split(",")]
    return ", ".join(answer for answer in answers if ": nothing" not in answer) or "nothing: none answers"


def speak(host: str, port: int, words: bytes) -> str:
    """What is answered to these words."""
    with socket.create_connection((host, port), timeout=SECONDS) as client:
        client.sendall(words)
        return client.recv(64).decode(errors="replace") or "closed"


def tls(host: str, port: int, name: str) -> str:
    """What is answered to a TLS hello that names `name`."""
    received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    try:
        context.wrap_bio(received, sent, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError:
        return speak(host, port, sent.read())
    return "no hello"


def udp(host: str, port: int, _: str) -> str:
    """What answers a datagram."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(SECONDS)
        client.connect((host, port))
        client.send(b"hello")
        return client.recv(64).decode(errors="replace")


def question(kind: str, name: bytes) -> bytes:
    """A query in DNS's own form. A dot parts labels; `\\.` is one inside a label."""
    parts = [part.replace(b"\0dot\0", b".") for part in name.replace(b"\\.", b"\0dot\0").split(b".")]
    labels = b"".join(bytes([len(part)]) + part for part in parts)
    return struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", QUESTIONS[kind], 1)


def asked(host: str, port: int, text: str) -> bytes:
    """The answer to a question such as TXT:example.org; `%00` and the like stand for bytes."""
    from urllib.parse import unquote_to_bytes

    kind, _, name = text.partition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(SECONDS)
        client.connect((host, port))
        client.send(question(kind, unquote_to_bytes(name)))
        return client.recv(4096)


def dns(host: str, port: int, text: str) -> str:
    """The code and the count of answers."""
    _, flags, _, answers, _, _ = struct.unpack("!HHHHHH", asked(host, port, text)[:12])
    return f"code {flags & 15}, {answers} answers"


def dns_over_tcp(host: str, port: int, text: str) -> str:
    """The same over TCP."""
    kind, _, name = text.partition(":")
    message = question(kind, name.encode())
    with socket.create_connection((host, port), timeout=SECONDS) as client:
        client.sendall(len(message).to_bytes(2, "big") + message)
        _, _, flags, _, answers, _, _ = struct.unpack("!HHHHHHH", client.recv(14, socket.MSG_WAITALL))
        return f"code {flags & 15}, {answers} answers"


def named(_: str, port: int, name: str) -> str:
    """The same as tcp, at the address that DNS gives for a name, past /etc/hosts."""
    answer = asked("127.0.0.1", 53, f"A:{name}")
    if not struct.unpack("!H", answer[6:8])[0]:
        return "nothing: no address"
    return tcp(socket.inet_ntoa(answer[-4:]), port, "")


def tunnel(host: str, port: int, name: str) -> str:
    """Carry a secret out in the names of a hundred questions; says how many were answered with something."""
    answered = 0
    for number in range(100):
        kind = ("A", "TXT", "NULL", "AAAA")[number % 4]
        answered += not dns(host, port, f"{kind}:c2VjcmV0{number}.{name}").endswith(" 0 answers")
    return f"{answered} answers" if answered else "nothing: no answers"


def raw(host: str, port: int, _: str) -> str:
    """Datagrams written by hand, header and all, past every table that programs' sockets meet."""
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 33, 7, 0, 64, 17, 0, bytes([10, 77, 0, 2]), socket.inet_aton(host))
    datagram = struct.pack("!HHHH", 4242, port, 13, 0) + b"hello"
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as client:
        for _ in range(10):
            client.sendto(header + datagram, (host, 0))
    return "sent"


def packets(host: str, port: int, _: str) -> str:
    """Frames on an interface, below IP."""
    with socket.socket(17, socket.SOCK_RAW, 0x0300) as client:  # AF_PACKET
        client.bind((host, 0))
        return "bound"


def transparent(host: str, port: int, _: str) -> str:
    """Speak from an address that is not ours, so that the answer to it would show where we got to."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(SECONDS)
        client.setsockopt(socket.SOL_IP, 19, 1)  # IP_TRANSPARENT
        client.bind(("93.184.216.99", 0))
        client.connect((host, port))
        client.sendall(b"hello\n")
        return client.recv(64).decode(errors="replace") or "closed"


def rules(_: str, __: int, ___: str) -> str:
    """Take the redirect away, or make a way out, as root of the session."""
    done = [os.system(f"{words} >/dev/null 2>&1") for words in ("nft flush ruleset", "ip link add v0 type veth")]
    return "done" if 0 in done else "nothing: refused"


def interfaces(_: str, __: int, ___: str) -> str:
    """The names of all network interfaces: what packets written by hand could leave by."""
    return " ".join(name for _, name in socket.if_nameindex())


def attempt(way: Callable[[str, int, str], str], host: str, port: str, text: str = "") -> str:
    """What came of it."""
    try:
        return way(host, int(port), text)
    except OSError as error:
        return f"nothing: {type(error).__name__}"


print(attempt(globals()[sys.argv[1]], *sys.argv[2:]))
