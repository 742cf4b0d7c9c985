"""Attacks that look: for files, processes, mounts, devices and secrets that are none of the session's business."""

import glob
import os
import socket
import stat

from kernel import Held

SMALL = 1 << 20
DEVICES = {
    "null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts", "pts/ptmx", "shm", "mqueue", "fd", "stdin",
    "stdout", "stderr",
}  # fmt: skip


def found(what):
    """What an attack got hold of; raises Held for nothing."""
    if not what:
        raise Held("nothing")
    return what


def find_name(token, *places):
    """A file, and not only its directory, whose path has this text in it, in these places or anywhere."""
    return found([path for path in _paths(*places) if token in path and stat.S_ISREG(_mode(path))][:3])


def find_sockets(*places):
    """A unix socket with a name, in these places or anywhere."""
    return found([path for path in _paths(*places) if stat.S_ISSOCK(_mode(path))][:3])


def find_content(token, *places):
    """A file with this text in it, in places where secrets are."""
    return found([path for path in _paths(*places) if token in _text(path)][:3])


def read_paths(token, *paths):
    """These very files, straight and by way of the roots and directories of other processes."""
    ways = ["", *glob.glob("/proc/*/root"), *glob.glob("/proc/*/cwd/../../../../..")]
    return found([way + path for way in ways for path in paths if token in _text(way + path)][:3])


def _paths(*tops):
    for top in tops or ("/",):
        for root, directories, names in os.walk(top):
            if root == "/":
                directories[:] = [name for name in directories if name not in ("proc", "sys")]
            yield from (os.path.join(root, name) for name in (*directories, *names))


def _mode(path):
    try:
        return os.lstat(path).st_mode
    except OSError:
        return 0


def _text(path):
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return ""
        with open(path, "rb") as file:
            return file.read(SMALL).decode("latin-1")
    except OSError:
        return ""


def find_in_processes(kind, token):
    """A process whose `cmdline`, `environ` or other file of /proc has this text in it."""
    pids = [name for name in os.listdir("/proc") if name.isdigit() and name not in _own()]
    return found([pid for pid in pids if token in _text(f"/proc/{pid}/{kind}")])


def _own():
    return {str(os.getpid()), str(os.getppid())}


def list_processes():
    """The number of every process there is."""
    return [name for name in os.listdir("/proc") if name.isdigit()]


def signal_process(pid, name):
    """A signal to a process, by its number where its command line has this text in it."""
    command = _text(f"/proc/{pid}/cmdline")
    if command and (name not in command or pid in _own()):
        raise Held("another process has the number here")
    os.kill(int(pid), 0)
    return "it is there"


def mounts_naming(*paths):
    """A path of the host in the mount table."""
    with open("/proc/self/mounts") as file:
        return found([line for line in file.read().splitlines() if any(path in line for path in paths)])


def find_cgroups():
    """A control group's files, or a mount of them."""
    with open("/proc/self/mounts") as file:
        mounted = [line for line in file if " cgroup" in line]
    return found([*mounted, *glob.glob("/sys/fs/cgroup/*"), *glob.glob("/**/cgroup.procs")])


def list_directory(path):
    """Whatever a directory has in it."""
    return found(os.listdir(path))


def read_some(path):
    """The first bytes of a file that is to be empty; one that waits for more is taken for empty."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    return found(len(os.read(fd, 4096)))


def open_to_write(path):
    """A file that is to be read-only; nothing is written."""
    os.close(os.open(path, os.O_WRONLY))
    return "open"


def other_devices():
    """Something in /dev that is not to be there."""
    names = {os.path.relpath(path, "/dev") for path in _paths("/dev")}
    return found(sorted(name for name in names - DEVICES if not name.startswith(("pts/", "shm/", "mqueue/")))[:20])


def other_interfaces():
    """A network interface beside the loopback."""
    return found([name for _, name in socket.if_nameindex() if name != "lo"])


def connect_tcp(host, port):
    """A connection."""
    with socket.create_connection((host, int(port)), timeout=30):
        return "connected"


def talk_tcp(host, port):
    """A connection that stays: a relay accepts before it refuses."""
    with socket.create_connection((host, int(port)), timeout=10) as client:
        client.settimeout(10)
        client.send(b"GET / HTTP/1.0\r\n\r\n")
        return found(client.recv(100).decode("latin-1"))


def connect_abstract(name):
    """A connection to a socket that has a name of the kernel's own."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(f"\0{name}")
        return "connected"


def ask_by_udp(port):
    """An answer to a datagram, as a name server gives."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(20)
        client.connect(("127.0.0.1", int(port)))
        client.send(b"who")
        return client.recv(100).decode()
