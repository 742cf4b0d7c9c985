"""Attacks that make more of something than there should be."""

import os
import signal
import socket

from kernel import Held


def fork(wanted):
    """So many processes at once."""
    children = []
    try:
        while len(children) < int(wanted):
            children.append(_sleeper())
    except BlockingIOError as error:
        raise Held(f"{len(children)} processes") from error
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    return f"{wanted} processes"


def _sleeper():
    child = os.fork()
    if child == 0:
        signal.pause()
    return child


def dig(depth):
    """A directory tree so deep that no path reaches its ground."""
    os.chdir(os.path.expanduser("~"))
    for _ in range(int(depth)):
        os.mkdir("d" * 60)
        os.chdir("d" * 60)
    return "dug"


def serve(port):
    """A server in the background, which greets whoever connects and has said something."""
    listener = socket.create_server(("127.0.0.1", int(port)))
    if os.fork():
        return "serving"
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    while True:
        with listener.accept()[0] as client:
            client.recv(100)
            client.send(b"hello")
