"""The questions that the probes ask this machine: each tries something in a scratch directory and says what it found.

Wherever it can, a question runs the very code that the driver runs, so that its answer is about what will happen. Each
is asked in a child process of its own, and may do there what it likes to that process.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from cove.core.limits import GIB, MIB, Limits
from cove.node import syscalls
from cove.node.cgroups import Group, find_hierarchies
from cove.node.disks import make_template, mount_disk
from cove.node.launcher.owners import make_user_namespace
from cove.node.netns import setup_egress
from cove.node.seccomp import sandbox_filter
from cove.node.walls import opener_of_user_namespaces

_NF_TABLES = "sudo modprobe -a nf_tables nft_chain_nat nft_redir"
OLDEST_KERNEL = (5, 19)
"""The first kernel whose overlays take idmapped layers."""
ENOUGH_DISK = 2 * GIB
_SECONDS = 10.0
_FIRST_ID = 2_100_000_000
_NAMESPACES = syscalls.CLONE_NEWNS | syscalls.CLONE_NEWNET | syscalls.CLONE_NEWIPC | syscalls.CLONE_NEWUTS
_NEEDED_CAPABILITIES = {
    "CHOWN": 0, "DAC_OVERRIDE": 1, "FOWNER": 3, "KILL": 5, "SETGID": 6, "SETUID": 7, "NET_ADMIN": 12,
    "SYS_CHROOT": 18, "SYS_ADMIN": 21,
}  # fmt: skip
_TOOL_PATH = "/usr/sbin:/sbin:/usr/bin:/bin"


class Lacking(Exception):  # noqa: N818 - it reads as prose where it is raised
    """Something is not there; `unlock` is the one command, or the one act, that gives it."""

    def __init__(self, reason: str, unlock: str) -> None:
        super().__init__(reason)
        self.unlock = unlock


def kernel(_: Path) -> str:
    """How old the kernel is."""
    release = os.uname().release
    numbers = tuple(int(part) for part in release.split("-")[0].split(".")[:2])
    if numbers < OLDEST_KERNEL:
        raise Lacking(f"Linux {release}", "boot a kernel of {}.{} or newer".format(*OLDEST_KERNEL))
    return f"Linux {release} on {os.uname().machine}"


def rights(_: Path) -> str:
    """Whether we are root with what root usually may."""
    if os.geteuid() != 0:
        raise Lacking(f"user id {os.geteuid()}", "sudo cove up")
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapEff:"))
    held = int(line.split()[1], 16)
    absent = [name for name, bit in _NEEDED_CAPABILITIES.items() if not held >> bit & 1]
    if absent:
        names = ",".join(absent)
        raise Lacking(f"root without {names}", f"start the container with --cap-add={names}, or run on the host")
    return "root with every capability that is needed"


def user_namespaces(_: Path) -> str:
    """Whether namespaces can be made."""
    try:
        syscalls.unshare(syscalls.CLONE_NEWUSER | _NAMESPACES)
    except OSError as error:
        raise Lacking(str(error), opener_of_user_namespaces()) from error
    return "user, mount, network, ipc and uts namespaces can be made"


def control_groups(scratch: Path) -> str:
    """Whether limits can be set."""
    hierarchies = find_hierarchies()
    if missing := hierarchies.missing():
        raise Lacking(f"no {', '.join(missing)} controller", "boot with cgroup_enable=memory, or mount cgroup2")
    Group(hierarchies, scratch.name, "limits").create(Limits(memory_bytes=64 * MIB))
    return f"{hierarchies.kind}; memory, cpu and pids limits can be set"


def freezer(scratch: Path) -> str:
    """Whether a process can be frozen, and goes on after."""
    group = Group(find_hierarchies(), scratch.name, "freezer")
    group.create(Limits())
    _start_member(group)
    group.freeze(True)
    while not group.is_frozen():
        os.sched_yield()
    group.freeze(False)
    return "a process was frozen and thawed"


def _start_member(group: Group) -> None:
    """A process that waits inside the group."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        born = group.born_in()
        for file in [*group.join(), *([born / "cgroup.procs"] if born else [])]:
            file.write_text("0")
        os.write(writer, b"1")
        signal.pause()
    os.close(writer)
    if not os.read(reader, 1):
        raise OSError("a process could not join a control group")


def idmapped_mounts(scratch: Path) -> str:
    """Whether a directory's owners can be mapped into a user namespace."""
    inside = scratch / "lower"
    inside.mkdir()
    copy = syscalls.open_tree(str(inside))
    syscalls.set_mount_attributes(copy, syscalls.MOUNT_ATTR_NODEV, make_user_namespace(_FIRST_ID))
    return f"directories of {_file_system(scratch)} can be idmapped"


def overlays(_: Path) -> str:
    """Whether an overlay inside a user namespace can be written."""
    _become_root_inside(syscalls.CLONE_NEWNS)
    syscalls.mount("none", "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    syscalls.mount("tmpfs", "/tmp", "tmpfs")  # noqa: S108 - hides the host's /tmp from this child, and only from it
    for name in ("lower", "upper", "work", "merged"):
        Path("/tmp", name).mkdir()  # noqa: S108
    os.chdir("/tmp")  # noqa: S108
    syscalls.mount("overlay", "merged", "overlay", 0, "userxattr,lowerdir=lower,upperdir=upper,workdir=work")
    Path("merged/written").write_text("an overlay may come up read-only: only a write tells")
    return "an overlay inside a user namespace takes a write"


def _become_root_inside(namespaces: int) -> None:
    """Root of a new user namespace that owns `namespaces`, with our own id alone."""
    uid, gid = os.geteuid(), os.getegid()
    syscalls.unshare(syscalls.CLONE_NEWUSER | namespaces)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1")


def disk_images(scratch: Path) -> str:
    """Whether an image file can be formatted, mounted and mapped."""
    if shutil.which("mkfs.ext4", path=_TOOL_PATH) is None:
        raise Lacking("mkfs.ext4 is not installed", "sudo apt-get install e2fsprogs")
    if not Path("/dev/loop-control").exists():
        raise Lacking("no /dev/loop-control", "sudo modprobe loop")
    make_template(scratch / "disk.img", 64 * MIB)
    mounted = mount_disk(scratch / "disk.img")
    syscalls.set_mount_attributes(mounted, syscalls.MOUNT_ATTR_NODEV, make_user_namespace(_FIRST_ID))
    return "an ext4 image was made, mounted and idmapped"


def seccomp(_: Path) -> str:
    """Whether our filter is taken, and refuses what it must."""
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    syscalls.install_filter(sandbox_filter())
    try:
        syscalls.unshare(syscalls.CLONE_NEWUSER)
    except PermissionError:
        return "the filter is installed, and refuses"
    raise Lacking("the filter was installed and refuses nothing", "boot a kernel with CONFIG_SECCOMP_FILTER")


def redirect(_: Path) -> str:
    """Whether connections can be led to the relay."""
    _become_root_inside(syscalls.CLONE_NEWNET)
    if not setup_egress():
        raise Lacking("the kernel has no nf_tables: sessions reach the network by a proxy only", _NF_TABLES)
    return "connections of a network namespace can be redirected"


def disk_space(scratch: Path) -> str:
    """How much room there is."""
    found = shutil.disk_usage(scratch)
    text = f"{found.free / GIB:.1f} GiB free of {found.total / GIB:.1f}"
    if found.free < ENOUGH_DISK:
        raise Lacking(text, "cove up --data DIR, on a file system with more room")
    return text


def python(_: Path) -> str:
    """Whether this Python can become the guest's."""
    command = [sys.executable, "-I", "-c", "import msgspec, ssl, sqlite3; print(msgspec.__version__)"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["it does not start"])[-1]
        raise Lacking(reason, "pip install --force-reinstall cove-sandbox, in a Python of 3.11 or newer")
    return f"Python {sys.version.split()[0]} with msgspec {done.stdout.strip()}"


def _file_system(path: Path) -> str:
    """The kind of file system that `path` is on: the deepest mount point above it decides."""
    best, kind = 0, "this file system"
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        place, _, rest = line.partition(" - ")
        point = place.split()[4]
        if path.is_relative_to(point) and len(point) >= best:
            best, kind = len(point), rest.split()[0]
    return kind
