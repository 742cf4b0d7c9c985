"""The launcher's loop: one request at a time, each carried out by a child; ends when the node hangs up."""

import os
import select
import signal
import socket
import sys
from pathlib import Path

import msgspec

from cove.node import netns
from cove.node import syscalls as linux
from cove.node.launcher.birth import be_born
from cove.node.launcher.errands import run_errand
from cove.node.launcher.orders import USER_NAMESPACE, Answer, Errand, Listen, OpenSockets, Order, Request
from cove.node.launcher.outer import Outer
from cove.node.launcher.visits import visit
from cove.node.subordinate_ids import LentIds

_PACKET = 256 * 1024
_PATIENCE = 20.0
"""Seconds a birth may take, on a machine that is busy with fifty others."""


def main(control: socket.socket, outer: Outer | None = None) -> None:
    """Serve requests until the node's end is closed; with an `outer` namespace where we are not root."""
    control.set_inheritable(False)  # a sandbox must never hold it
    linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)  # whatever the operator's shell ignored, no sandbox inherits it
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's to handle
    deaths = _watch_deaths()
    while packet := _receive(control, deaths):
        answer, fds = _obey(packet, outer)
        try:
            socket.send_fds(control, [msgspec.json.encode(answer)], fds)
        except BrokenPipeError:  # the node died meanwhile; the next one finds what was made, and clears it up
            return
        finally:
            for fd in fds:
                os.close(fd)
        _reap()


def _watch_deaths() -> int:
    """A descriptor that can be read whenever a child has ended."""
    deaths, told = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    return deaths


def _receive(control: socket.socket, deaths: int) -> bytes:
    """The next packet; meanwhile the dead are buried, whenever there are any."""
    awaited: list[socket.socket | int] = [control, deaths]
    while True:
        readable, _, _ = select.select(awaited, [], [])
        if deaths in readable:
            os.read(deaths, 4096)
            _reap()
        if control in readable:
            return control.recv(_PACKET)


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _obey(packet: bytes, outer: Outer | None) -> tuple[Answer, list[int]]:
    try:
        request: Request = msgspec.json.decode(packet, type=Request)
    except (msgspec.DecodeError, RecursionError) as error:
        return Answer(step="read the order", reason=str(error)), []
    try:
        if isinstance(request, Order):
            return _create(request, outer)
        return _serve_as_root(request) if outer is None else _serve(request, outer)
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL
        return Answer(step="launch", reason=str(error)), []


def _serve_as_root(request: Request) -> tuple[Answer, list[int]]:
    if not isinstance(request, Listen):
        return Answer(step="launch", reason="root needs nobody for this"), []
    return _listen(request)


def _serve(request: Request, outer: Outer) -> tuple[Answer, list[int]]:
    if isinstance(request, Errand):
        return Answer(), [run_errand(request, outer)]
    if isinstance(request, Listen):
        return Answer(pid=request.pid), visit(request.pid, netns.open_all_listeners)
    if isinstance(request, OpenSockets):
        return Answer(pid=request.pid), visit(request.pid, lambda: [made.detach() for made in netns.open_sockets()])
    raise ValueError(f"no such request: {request}")


def _create(order: Order, outer: Outer | None) -> tuple[Answer, list[int]]:
    """Fork a child that becomes the sandbox, and wait until it runs the guest or says why not."""
    (pids, report), (failures, fail) = os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC)
    try:
        child = _fork(order, outer, report, fail)
        return _watch(child, pids, failures)
    finally:
        os.close(pids)
        os.close(failures)


def _fork(order: Order, outer: Outer | None, report: int, fail: int) -> int:
    """The child; its ends of the two pipes are closed here in any case."""
    try:
        with _bind(order.directory) as listener:
            child = linux.fork_into(order.born_in) if order.born_in else os.fork()
            if child == 0:
                _live(order, outer, listener, (report, fail))
            return child
    finally:
        os.close(report)
        os.close(fail)


def _bind(directory: str) -> socket.socket:
    """The guest's socket, made outside where the sandbox cannot reach; relative, since its path may be too long."""
    os.chdir(directory)
    try:
        Path("guest.sock").unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind("guest.sock")
        listener.listen(128)
        return listener
    finally:
        os.chdir("/")


def _live(order: Order, outer: Outer | None, listener: socket.socket, pipes: tuple[int, int]) -> None:
    """The child's whole life in our code; a failure goes into the pipe that a successful exec closes."""
    place = ["fork"]
    pids, failures = pipes
    try:
        be_born(order, listener, lambda pid: _report(pids, pid), lambda step: place.__setitem__(0, step), outer)
    except BaseException as error:  # noqa: BLE001 - nothing may return into the parent's loop
        answer = Answer(step=place[0], reason=str(error) or type(error).__name__)
        os.write(failures, msgspec.json.encode(answer))
    os._exit(1)


def _report(pipe: int, pid: int) -> None:
    os.write(pipe, str(pid).encode())


def _watch(child: int, pids: int, failures: int) -> tuple[Answer, list[int]]:
    ready, _, _ = select.select([failures], [], [], _PATIENCE)
    failure = os.read(failures, 65536) if ready else msgspec.json.encode(Answer(step="start", reason="it hangs"))
    pid = int(os.read(pids, 32) or 0) if ready else 0
    if failure:
        _end(child)
        return msgspec.json.decode(failure, type=Answer), []
    if not pid:
        return Answer(step="start", reason="it was killed while it was made"), []
    return Answer(pid=pid), [os.pidfd_open(pid)]


def _end(child: int) -> None:
    try:
        os.kill(child, signal.SIGKILL)
    except ProcessLookupError:
        return


def _listen(request: Listen) -> tuple[Answer, list[int]]:
    namespace = os.open(f"/proc/{request.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return Answer(pid=request.pid), netns.open_listeners(namespace)
    finally:
        os.close(namespace)


def _start(control: str, lent: str = "") -> None:
    """`lent` is what an ordinary user's launcher may use: a LentIds, or null, as JSON."""
    node = socket.socket(fileno=int(control))
    try:
        outer = Outer(msgspec.json.decode(lent, type=LentIds | None)) if lent else None
    except OSError as error:
        node.recv(_PACKET)  # whatever was asked for, this is the answer
        node.send(msgspec.json.encode(Answer(step=USER_NAMESPACE, reason=str(error))))
        return
    main(node, outer)


if __name__ == "__main__":
    _start(*sys.argv[1:])
