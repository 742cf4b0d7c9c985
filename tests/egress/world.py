"""The internet, in a network namespace: every address answers, IPv4 and IPv6, and a resolver that says what it is told.

Run by `internet.py`, which waits for `apart`: the namespace is there. The first line on stdin says that the network is
there, too; each one after it is a request, and has an answer in JSON: {"names": {name: [[address, …], …]}} sets what
each question for a name gets, in turn, the last for good. The answer tells the names that were asked for, and the
datagrams heard, since the request before. Whoever connects to any address hears `hello from ADDRESS PORT`.
"""

import json
import socket
import struct
import sys
import threading
from ipaddress import ip_address
from typing import Any

ANYWHERE = (80, 443, 8080, 853, 22, 7000, 9000, 9001, 15001)
"""The ports at which every address answers."""
IP_PKTINFO = 8
NAMES: dict[str, list[list[str]]] = {}
ASKED: list[str] = []
HEARD: list[str] = []


def main() -> None:
    print("apart", flush=True)
    sys.stdin.readline()
    for port in ANYWHERE:
        door = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=4096)
        threading.Thread(target=greet_all, args=(door, port), daemon=True).start()
    for serve, place in ((answer_questions, ("9.9.9.9", 53)), (echo_datagrams, ("", 443))):
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        datagrams.setsockopt(socket.SOL_IP, IP_PKTINFO, 1)
        datagrams.bind(place)
        threading.Thread(target=serve, args=(datagrams,), daemon=True).start()
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(obey(json.loads(line))), flush=True)


def obey(request: dict[str, Any]) -> Any:
    NAMES.update(request.get("names", {}))
    told = {"asked": list(ASKED), "heard": list(HEARD)}
    ASKED.clear()
    HEARD.clear()
    return told


def greet_all(door: socket.socket, port: int) -> None:
    while True:
        connection, _ = door.accept()
        threading.Thread(target=greet, args=(connection, port), daemon=True).start()


def greet(connection: socket.socket, port: int) -> None:
    """Say hello to each thing said, until there is no more."""
    address = ip_address(connection.getsockname()[0])
    address = getattr(address, "ipv4_mapped", None) or address
    try:
        with connection:
            while connection.recv(65536):
                connection.sendall(f"hello from {address} {port}".encode())
    except OSError:  # broken off
        return


def echo_datagrams(door: socket.socket) -> None:
    """What would answer a tunnel over UDP, from the address that was spoken to."""
    while True:
        data, [(_, _, facts)], _, sender = door.recvmsg(4096, 64)
        HEARD.append(data.decode(errors="replace"))
        spoken_to = struct.pack("=I4s4x", 0, facts[8:12])
        door.sendmsg([b"hello " + data], [(socket.SOL_IP, IP_PKTINFO, spoken_to)], 0, sender)


def answer_questions(door: socket.socket) -> None:
    while True:
        message, sender = door.recvfrom(4096)
        door.sendto(answer(message), sender)


def answer(message: bytes) -> bytes:
    labels, at = [], 12
    while length := message[at]:
        labels.append(message[at + 1 : at + 1 + length].decode("ascii", "replace"))
        at += 1 + length
    (kind,) = struct.unpack_from("!H", message, at + 1)
    name = ".".join(labels).lower()
    ASKED.append(name)
    version = {1: 4, 28: 6}.get(kind)
    found = [each for each in map(ip_address, next_addresses(name, kind)) if each.version == version]
    records = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 0, len(a.packed)) + a.packed for a in found)
    code = 0 if name in NAMES else 3
    header = message[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(found), 0, 0)
    return header + message[12 : at + 5] + records


def next_addresses(name: str, kind: int) -> list[str]:
    """The question for IPv6, which comes beside the one for IPv4, takes nothing away."""
    turns = NAMES.get(name, [[]])
    return turns.pop(0) if len(turns) > 1 and kind == 1 else turns[0]


if __name__ == "__main__":
    main()
