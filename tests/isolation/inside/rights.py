"""Attacks on the rights of a session's users."""

import os
import socket
import stat
import subprocess

from kernel import Held


def bounding_set(expected):
    """More capabilities than root inside is to have, in any set."""
    with open("/proc/self/status") as file:
        sets = [line.split() for line in file if line.startswith("Cap")]
    beyond = {name: value for name, value in sets if int(value, 16) & ~int(expected, 16)}
    if not beyond:
        raise Held(str(sets))
    return beyond


def rename_machine():
    """The host name, which needs CAP_SYS_ADMIN."""
    socket.sethostname(socket.gethostname())
    return "named"


def run_setuid_program(path):
    """A program of root's with the setuid bit."""
    if not os.stat(path).st_mode & stat.S_ISUID:
        raise AssertionError("it has no setuid bit")
    user = subprocess.run([path, "-u"], capture_output=True, check=True, text=True).stdout.strip()
    if user != "0":
        raise Held(f"it ran as {user}")
    return "root"


def make_device(kind, major, minor):
    """A device node."""
    path = f"/var/tmp/attack-{os.getpid()}"
    os.mknod(path, {"block": stat.S_IFBLK, "char": stat.S_IFCHR}[kind] | 0o600, os.makedev(int(major), int(minor)))
    os.unlink(path)
    return f"a {kind} device"


def change_tree(directory):
    """A new file in a directory, and one of those there written, renamed or removed."""
    refusals = [_refusal(action, directory) for action in (_add, _write, _chmod)]
    if all(refusals):
        raise Held(str(refusals))
    return "changed"


def _refusal(action, directory):
    try:
        action(directory)
    except OSError as error:
        return str(error)
    return ""


def _add(directory):
    path = f"{directory}/attack-{os.getpid()}"
    os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    os.unlink(path)


def _write(directory):
    os.close(os.open(_some_file(directory), os.O_WRONLY))


def _chmod(directory):
    path = _some_file(directory)
    os.chmod(path, stat.S_IMODE(os.stat(path).st_mode))


def _some_file(directory):
    return next(f"{root}/{name}" for root, _, names in os.walk(directory) for name in names)
