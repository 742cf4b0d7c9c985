"""The last walls, put up by a sandbox's first process around itself just before it becomes the guest."""

import os
import resource

from cove.node import syscalls as sys
from cove.node.seccomp import sandbox_filter

_KEPT = {
    "CHOWN": 0, "DAC_OVERRIDE": 1, "FOWNER": 3, "FSETID": 4, "KILL": 5, "SETGID": 6, "SETUID": 7, "SETPCAP": 8,
    "NET_BIND_SERVICE": 10, "NET_RAW": 13, "SYS_CHROOT": 18, "MKNOD": 27, "AUDIT_WRITE": 29, "SETFCAP": 31,
}  # fmt: skip
"""The capabilities that root inside keeps, towards its own user namespace only: the fourteen that Docker leaves."""
CONTROLS = ("masks", "capabilities", "no_new_privs", "seccomp")
"""The controls that an attack test may switch off, one at a time, to show that it would notice."""
_OPEN_FILES = 65536


def lock_down(controls: list[str]) -> None:
    """Give up what a sandbox does not need, for good. The order matters: each step needs what a later one takes."""
    os.umask(0o022)
    resource.setrlimit(resource.RLIMIT_CORE, (1, 1))  # 0 keeps the file away, 1 the host's crash handler as well
    _limit_open_files()
    if "capabilities" in controls:
        _drop_bounding_set()
    if "no_new_privs" in controls:
        sys.prctl(sys.PR_SET_NO_NEW_PRIVS, 1)
    if "seccomp" in controls:
        sys.install_filter(sandbox_filter())
    if "capabilities" in controls:
        sys.set_capabilities(sum(1 << bit for bit in _KEPT.values()))


def _limit_open_files() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if most == resource.RLIM_INFINITY else min(most, _OPEN_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))


def _drop_bounding_set() -> None:
    with open("/proc/sys/kernel/cap_last_cap", encoding="utf-8") as file:
        last = int(file.read())
    for capability in range(last + 1):
        if capability not in _KEPT.values():
            sys.prctl(sys.PR_CAPBSET_DROP, capability)
