"""Attacks on the kernel's doors: namespaces, mounts, keys, and calls that no session needs."""

import ctypes
import fcntl
import json
import mmap
import os
import pty
import signal
import socket
import struct

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long
NUMBERS = {
    "x86_64": {"clone": 56, "unshare": 272, "mount": 165, "add_key": 248, "keyctl": 250, "userfaultfd": 323},
    "aarch64": {"clone": 220, "unshare": 97, "mount": 40, "add_key": 217, "keyctl": 219, "userfaultfd": 282},
}[os.uname().machine]
CLONE3, FSOPEN, FSCONFIG, FSMOUNT, MOVE_MOUNT, IO_URING_SETUP = 435, 430, 431, 432, 429, 425
NEWNS, NEWCGROUP, NEWUSER = 0x20000, 0x02000000, 0x10000000
PRIVATE = 0x4000 | 0x40000
AT_FDCWD = -100
TIOCSTI = 0x5412
EIO = 5


class Held(Exception):  # noqa: N818 - it is no error: it is what should happen
    """The wall held, by other means than an error of the kernel."""


def call(number, *arguments):
    """A system call; raises OSError."""
    words = [argument if isinstance(argument, bytes) else ctypes.c_long(argument or 0) for argument in arguments]
    result = LIBC.syscall(ctypes.c_long(number), *words)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def unshare(flags):
    """Enter new namespaces."""
    call(NUMBERS["unshare"], flags)


def unshare_user():
    """A user namespace, by unshare."""
    unshare(NEWUSER)
    return os.readlink("/proc/self/ns/user")


def clone_user():
    """A user namespace, by clone."""
    child = call(NUMBERS["clone"], NEWUSER | signal.SIGCHLD, 0, 0, 0, 0)
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return "a process in a user namespace of its own"


def clone3_user():
    """A user namespace, by clone3, whose flags no filter can see."""
    child = call(CLONE3, struct.pack("11Q", NEWUSER, 0, 0, 0, signal.SIGCHLD, *[0] * 6), 88)
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return "a process in a user namespace of its own"


def mount_tmpfs():
    """A file system, mounted in namespaces of our own."""
    unshare(NEWUSER | NEWNS)
    call(NUMBERS["mount"], b"none", b"/", None, PRIVATE, None)
    call(NUMBERS["mount"], b"tmpfs", b"/mnt", b"tmpfs", 0, None)
    return "a tmpfs"


def mount_tmpfs_anew():
    """A file system, mounted with the newer calls."""
    unshare(NEWUSER | NEWNS)
    context = call(FSOPEN, b"tmpfs", 0)
    call(FSCONFIG, context, 6, None, None, 0)
    mount = call(FSMOUNT, context, 0, 0)
    call(MOVE_MOUNT, mount, b"", AT_FDCWD, b"/mnt", 4)
    return "a tmpfs"


def mount_cgroups():
    """The control groups, mounted in namespaces of our own."""
    unshare(NEWUSER | NEWNS | NEWCGROUP)
    call(NUMBERS["mount"], b"none", b"/", None, PRIVATE, None)
    call(NUMBERS["mount"], b"cgroup2", b"/mnt", b"cgroup2", 0, None)
    return os.listdir("/mnt")


def add_key():
    """A key in the kernel's keyring."""
    return call(NUMBERS["add_key"], b"user", b"attack", b"secret", 6, -2)


def read_keyring():
    """The session keyring, which the kernel shares between containers of one user."""
    return call(NUMBERS["keyctl"], 0, -3, 1)


def io_uring():
    """A ring, through which calls are made that no filter sees."""
    return call(IO_URING_SETUP, 1, bytes(120))


def userfaultfd():
    """A descriptor that stops the kernel in the middle of a copy."""
    return call(NUMBERS["userfaultfd"], 1)


def make_socket(family, kind):
    """A socket of a family with a record of holes."""
    socket.socket(int(family), int(kind)).close()
    return "a socket"


def feed_terminal():
    """A character put into a terminal's input. Newer kernels refuse it themselves, with an error of their own."""
    _, terminal = pty.openpty()
    if os.fork() == 0:
        os.setsid()
        fcntl.ioctl(terminal, 0x540E, 0)
        os._exit(_feed(terminal))
    _, status = os.wait()
    if (refusal := os.waitstatus_to_exitcode(status)) not in (0, EIO):
        raise OSError(refusal, os.strerror(refusal))
    return "the kernel got the request"


def _feed(terminal):
    try:
        fcntl.ioctl(terminal, TIOCSTI, b"x")
    except OSError as error:
        return error.errno
    return 0


def x32_call():
    """A call by the x32 convention; a kernel without it answers all the same."""
    return _survives(lambda: LIBC.syscall(ctypes.c_long(0x40000000 + 39)))


def i386_call():
    """getpid by the i386 convention, whose numbers mean other calls."""
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\x53\xb8\x14\x00\x00\x00\xcd\x80\x5b\xc3")  # push rbx; mov eax, 20; int 0x80; pop rbx; ret
    address = ctypes.addressof(ctypes.c_char.from_buffer(code))
    return _survives(ctypes.CFUNCTYPE(ctypes.c_long)(address))


def _survives(action):
    child = os.fork()
    if child == 0:
        action()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status:
        raise Held(f"killed by signal {os.WTERMSIG(status)}")
    return "the kernel answered"


def refusals(calls, as_whom="with namespaces of our own"):
    """What the kernel says to each call of a JSON table `{name: [number, argument…]}`, each in a process of its own."""
    return {name: _refusal(as_whom, *words) for name, words in json.loads(calls).items()}


def _refusal(as_whom, number, *arguments):
    child = os.fork()
    if child == 0:
        os.setsid()
        if as_whom != "as real root":
            _be_root_of_namespaces()
        os._exit(_try(number, arguments))
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _be_root_of_namespaces():
    try:
        unshare(NEWUSER | NEWNS)
    except OSError:
        return  # without them, then


def _try(number, arguments):
    try:
        call(number, *arguments)
    except OSError as error:
        return error.errno
    return 0
