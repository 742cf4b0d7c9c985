"""Takes the guest's place: `impostor.py ANSWER`. Root stops the guest, takes its listener, and answers for it.

It waits for a signal first, since the guest must answer the call that started it. ANSWER names a function below.
"""

import ctypes
import glob
import json
import os
import signal
import socket
import sys
import time

PIDFD_GETFD = 438
LISTENER = 3
LARGEST = 96 * 1024 * 1024
LIBC = ctypes.CDLL(None, use_errno=True)


def take_listener():
    """Stop the guest and take what it listens on."""
    guest = next(int(pid) for pid in os.listdir("/proc") if pid.isdigit() and is_guest(pid))
    listener = LIBC.syscall(PIDFD_GETFD, os.pidfd_open(guest), LISTENER, 0)
    if listener < 0:
        raise OSError(ctypes.get_errno(), "pidfd_getfd")
    os.kill(guest, signal.SIGSTOP)
    while not all(is_stopped(task) for task in glob.glob(f"/proc/{guest}/task/*/stat")):
        time.sleep(0.01)  # one that still waits for a connection would be woken by the next in our place
    return socket.socket(fileno=listener)


def is_guest(pid):
    """Whether it is the child of process 1 that runs the guest."""
    try:
        with open(f"/proc/{pid}/stat") as stat, open(f"/proc/{pid}/cmdline") as command:
            return stat.read().rpartition(")")[2].split()[1] == "1" and "guest.py" in command.read()
    except OSError:  # it has ended since it was listed
        return False


def is_stopped(stat):
    """Whether the thread of this file stands still, or has ended."""
    try:
        with open(stat) as file:
            return file.read().rpartition(")")[2].split()[0] in "Tt"
    except OSError:
        return True


def framed(body, length=None):
    """A frame as the server expects it, but for a length that is not the body's."""
    return (len(body) if length is None else length).to_bytes(4, "big") + body


def answer(content, **more):
    """A valid answer with any content."""
    return framed(json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"structuredContent": content, **more}}).encode())


def terminal():
    """A terminal is open, as the server expects to hear it."""
    return answer({"type": "opened", "terminal_id": "t-impostor"}, isError=False)


def packet(kind, body):
    """A packet of a terminal."""
    return kind + len(body).to_bytes(2, "big") + body


ANSWERS = {
    "terminal_garbage": lambda: terminal() + b"\xff" + os.urandom(4096),
    "terminal_lies": lambda: terminal() + packet(b"m", b'{"type":"exited","exit_code":1000000}'),
    "terminal_commands": lambda: terminal() + packet(b"m", b'{"type":"kill","signal":"KILL"}'),
    "terminal_hangs_up": terminal,
    "garbage": lambda: os.urandom(4096),
    "no_json": lambda: framed(b"\xff\xfe no JSON"),
    "gigabytes": lambda: framed(bytes(1024), length=2**32 - 1),
    "full_of_nothing": lambda: framed(bytes(LARGEST)),
    "deep": lambda: framed(b'{"id":1,"result":' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}"),
    "deep_within": lambda: answer({"stdout": json.loads("[" * 500 + "]" * 500)}),
    "wide": lambda: framed(b'{"id":1,"result":{"structuredContent":{"x":[' + b"[]," * (LARGEST // 3 - 99) + b"[]]}}}"),
    "notifications": lambda: framed(b'{"jsonrpc":"2.0","method":"x"}') * 200_000,
    "wrong_types": lambda: answer({"stdout": 5, "stderr": ["x"], "exit_code": "zero"}),
    "no_fields": lambda: answer({}),
    "no_content": lambda: framed(b'{"jsonrpc":"2.0","id":1,"result":{"isError":false}}'),
    "a_list": lambda: framed(b"[1,2,3]"),
    "wrong_error": lambda: framed(b'{"jsonrpc":"2.0","id":1,"error":{"code":"x","data":{"code":"KeyInvalid"}}}'),
    "wrong_failure": lambda: answer({"code": {"a": 1}, "message": 5}, isError=True),
    "many_texts": lambda: answer({"files": [{"path": "", "content": ""}] * 3_000_000}),
    "hang_up": lambda: b"",
}


FLOODS = {
    "terminal_flood": packet(b"d", b"flood " * 10_000) * 10,
    "terminal_crumbs": packet(b"d", b"x") * 20_000,
    "terminal_nothing": packet(b"d", b"") * 20_000,
}


def serve(listener, kind):
    """Answer for ever; `silence` never answers."""
    kept = []
    while True:
        connection, _ = listener.accept()
        connection.recv(65536)
        if kind == "silence":
            kept.append(connection)
            continue
        with connection:
            try:
                talk(connection, kind)
            except OSError:
                continue  # the server has heard enough


def talk(connection, kind):
    """Answer once; `babble` goes on for ever, and says nothing."""
    while kind == "babble":
        connection.sendall(ANSWERS["notifications"]())
    if kind in FLOODS:
        connection.sendall(terminal())
        while True:
            connection.sendall(FLOODS[kind])
    connection.sendall(ANSWERS[kind]())


def rename(name):
    """Be called so, to be found from outside."""
    with open("/proc/self/comm", "w") as file:
        file.write(name)


def main(kind):
    """Go into the background, wait, and take over."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    if os.fork():
        return
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    rename("waiting")
    signal.sigwait([signal.SIGUSR1])
    listener = take_listener()
    rename("impostor")
    serve(listener, kind)


if __name__ == "__main__":
    main(sys.argv[1])
