"""The sandbox's own view: its file systems, devices, masks and network. Runs as root of the new user namespace."""

import os
from collections.abc import Callable

from cove.node import netns
from cove.node import syscalls as sys
from cove.node.inside_paths import GUEST_RUNTIME
from cove.node.launcher.furnish import MOUNT_POINTS, furnish, offer_proxy
from cove.node.launcher.orders import Order

_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_DEVICE_LINKS = {
    "ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
}  # fmt: skip
MASKED = (
    "kcore", "keys", "key-users", "timer_list", "sysrq-trigger", "latency_stats", "sched_debug", "interrupts", "kmsg",
    "kallsyms", "kpagecount", "kpageflags", "kpagecgroup", "vmallocinfo", "config.gz", "modules",
)  # fmt: skip
"""Files of /proc that tell about the machine or reach into it: an empty one lies over each."""
EMPTIED = ("acpi", "scsi", "asound", "driver")
"""Directories of /proc that are empty and read-only inside."""
READ_ONLY = ("bus", "fs", "irq", "sys")
"""Directories of /proc that can be read and not written."""
_STRICT = sys.MS_NOSUID | sys.MS_NODEV | sys.MS_NOEXEC
RUN = GUEST_RUNTIME.removesuffix("/rt").lstrip("/")
"""Where the runtime and the guest's own state are, below the sandbox's root."""


def enter_root(order: Order, mounts: dict[str, int], step: Callable[[str], None]) -> None:
    """Build the sandbox's root out of the mounts brought along, and make it this process's root."""
    step("mount the root")
    sys.mount(None, "/", None, sys.MS_REC | sys.MS_PRIVATE)
    # a scratch file system of our own: no host path shows in /proc/mounts, and ours may be closed to all but root
    sys.mount("tmpfs", "/tmp", "tmpfs", _STRICT, "size=1m")  # noqa: S108
    os.chdir("/tmp")  # noqa: S108
    _attach(mounts)
    _mount_overlays(order, mounts)
    _attach_binds(order)
    step("set up the network")
    proxy = _set_up_network(order)
    os.chdir("new")
    step("mount /proc, /dev and /run")
    for directory in MOUNT_POINTS:
        os.makedirs(directory, exist_ok=True)
    _mount_run(mounts)
    _mount_proc(order)
    _mount_dev(order)
    step("enter the root")
    sys.pivot_root_here()
    sys.sethostname(order.hostname)
    furnish()
    if proxy:
        offer_proxy(proxy)


def _attach(mounts: dict[str, int]) -> None:
    for name, fd in mounts.items():
        if name != "runtime":
            os.mkdir(name)
            sys.move_mount(fd, name)


def _mount_overlays(order: Order, mounts: dict[str, int]) -> None:
    """The first overlay is the root; the others are mounted in it. One write proves that it is writable."""
    lowers = list(dict.fromkeys(path for overlay in order.overlays for path in overlay.lowers))
    os.mkdir("new")
    for overlay in order.overlays:
        stack = ":".join(f"lower{lowers.index(path)}" for path in overlay.lowers)
        layer = f"disk/{overlay.layer}"
        options = f"lowerdir={stack},upperdir={layer}/upper,workdir={layer}/work,userxattr"
        target = os.path.normpath(f"new/{overlay.inside}")
        sys.mount("overlay", target, "overlay", sys.MS_NODEV, options)
        os.mkdir(f"{target}/.cove-probe")  # an overlay over an upper layer it cannot use mounts, but read-only
        os.rmdir(f"{target}/.cove-probe")


def _attach_binds(order: Order) -> None:
    for place, bind in enumerate(order.binds):
        target = os.path.normpath(f"new/{bind.inside}")
        os.makedirs(target, exist_ok=True)
        sys.mount(f"bind{place}", target, None, sys.MS_BIND | (sys.MS_REC if bind.recursive else 0))


def _set_up_network(order: Order) -> str | None:
    """The proxy by which programs find the relay, where the kernel cannot lead them there."""
    if order.relay_port is None:
        netns.bring_up_loopback()
        return None
    return None if netns.setup_egress(order.relay_port) else f"http://127.0.0.1:{order.relay_port}"


def _mount_run(mounts: dict[str, int]) -> None:
    sys.mount("tmpfs", "run", "tmpfs", sys.MS_NOSUID | sys.MS_NODEV, "mode=755,size=64m")
    os.makedirs(f"{RUN}/rt")
    os.mkdir("run/lock", 0o1777)
    os.chmod("run/lock", 0o1777)  # noqa: S103 - as on any Debian
    sys.move_mount(mounts["runtime"], f"{RUN}/rt")


def _mount_proc(order: Order) -> None:
    sys.mount("proc", "proc", "proc", _STRICT)
    _write_quietly("proc/sys/net/ipv4/ip_unprivileged_port_start", "0")
    _write_quietly("proc/sys/net/ipv4/ping_group_range", "0 65535")
    if "masks" not in order.controls:
        return
    for name in MASKED:
        if os.path.exists(f"proc/{name}"):
            sys.mount("/dev/null", f"proc/{name}", None, sys.MS_BIND)
    for name in READ_ONLY:
        sys.mount(f"proc/{name}", f"proc/{name}", None, sys.MS_BIND | sys.MS_REC)
        sys.mount(None, f"proc/{name}", None, sys.MS_BIND | sys.MS_REMOUNT | sys.MS_RDONLY | _STRICT)
    for path in (*(f"proc/{name}" for name in EMPTIED), "sys"):
        if os.path.isdir(path):
            sys.mount("tmpfs", path, "tmpfs", _STRICT | sys.MS_RDONLY, "mode=555,size=0")


def _mount_dev(order: Order) -> None:
    sys.mount("tmpfs", "dev", "tmpfs", sys.MS_NOSUID | sys.MS_NOEXEC, "mode=755,size=64k")
    for name in _DEVICES:
        os.close(os.open(f"dev/{name}", os.O_CREAT | os.O_WRONLY, 0o666))
        sys.mount(f"/dev/{name}", f"dev/{name}", None, sys.MS_BIND)
    for directory in ("pts", "shm", "mqueue"):
        os.mkdir(f"dev/{directory}")
    group = ",gid=5" if os.geteuid() == 0 else ""  # where there is one id, there is no group of terminals
    options = f"newinstance,ptmxmode=0666,mode=620{group}"
    sys.mount("devpts", "dev/pts", "devpts", sys.MS_NOSUID | sys.MS_NOEXEC, options)
    sys.mount("tmpfs", "dev/shm", "tmpfs", sys.MS_NOSUID | sys.MS_NODEV, f"mode=1777,size={order.shm_bytes}")
    sys.mount("mqueue", "dev/mqueue", "mqueue", _STRICT)
    for name, target in _DEVICE_LINKS.items():
        os.symlink(target, f"dev/{name}")


def _write_quietly(path: str, text: str) -> None:
    """A convenience some kernels lack: an ordinary user may then open low ports, and ping."""
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        return
