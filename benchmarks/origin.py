"""A server as fast as Python can be, for measuring what stands before it: `python3 origin.py PORT`.

`/small` answers a hundred bytes, `/big/N` N MiB, and `/echo` becomes a WebSocket whose bytes come back as they are.
Nothing but the standard library, and whatever Python a session has.
"""

import selectors
import socket
import sys
import threading

SMALL = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\n" + b"x" * 100
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
MIB = bytes(1024 * 1024)


class Connection:
    """One client."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket, self.is_echo, self.held = connected, False, b""

    def read(self, selector: selectors.BaseSelector) -> None:
        """Take what has come and answer it."""
        try:
            data = self.socket.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            selector.unregister(self.socket)
            self.socket.close()
        elif self.is_echo:
            self.socket.sendall(data)
        else:
            self._take(data, selector)

    def _take(self, data: bytes, selector: selectors.BaseSelector) -> None:
        self.held += data
        while b"\r\n\r\n" in self.held:
            head, _, self.held = self.held.partition(b"\r\n\r\n")
            path = head.split(b" ", 2)[1]
            if path.startswith(b"/big/"):
                selector.unregister(self.socket)
                threading.Thread(target=self._pour, args=(int(path[5:]),), daemon=True).start()
            elif path == b"/echo":
                self.is_echo = True
                self.socket.sendall(SWITCHING)
            else:
                self.socket.sendall(SMALL)

    def _pour(self, mib: int) -> None:
        with self.socket:
            self.socket.setblocking(True)
            self.socket.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (mib * len(MIB))
            )
            for _ in range(mib):
                self.socket.sendall(MIB)


def main() -> None:
    """Serve until killed."""
    selector = selectors.DefaultSelector()
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=2048)
    selector.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.data is not None:
                key.data.read(selector)
                continue
            connected, _ = listener.accept()
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(connected, selectors.EVENT_READ, Connection(connected))


if __name__ == "__main__":
    main()
