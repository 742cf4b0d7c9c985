"""The questions that the probes ask where an ordinary user is to make sandboxes; see `questions` for those of root.

Each runs the code that the launcher runs, as far as that goes in a moment, in a child process of its own.
"""

import os
import signal
from pathlib import Path

from cove.node import syscalls as sys
from cove.node import walls
from cove.node.delegation import Delegation
from cove.node.differences import DELEGATE
from cove.node.launcher.outer import Outer
from cove.node.questions import Lacking
from cove.node.subordinate_ids import NoLentIds, lent_ids

OLDEST_KERNEL = (5, 14)
"""The first that counts the processes of each user namespace; overlays in one are there since 5.11."""
_ENOUGH = 8
_INNER = sys.CLONE_NEWPID | sys.CLONE_NEWNS | sys.CLONE_NEWNET | sys.CLONE_NEWIPC | sys.CLONE_NEWUTS


def kernel(_: Path) -> str:
    """How old the kernel is."""
    release = os.uname().release
    if tuple(int(part) for part in release.split("-")[0].split(".")[:2]) < OLDEST_KERNEL:
        raise Lacking(f"Linux {release}", "boot a kernel of {}.{} or newer".format(*OLDEST_KERNEL))
    return f"Linux {release} on {os.uname().machine}"


def user_namespaces(_: Path, root: Path = walls.HERE) -> str:
    """Whether a user namespace can be made and is worth something: some kernels make one without any right in it."""
    try:
        _enter(Outer(None))
        sys.mount("tmpfs", "/tmp", "tmpfs")  # noqa: S108 - hides the host's /tmp from this child, and only from it
    except OSError as error:
        raise Lacking(str(error), walls.opener_of_user_namespaces(root)) from error
    return "a user namespace can be made, and mounts in it"


def subordinate_ids(_: Path) -> str:
    """Whether ids are lent to this user, and the programs that put them into force do so."""
    try:
        lent = lent_ids()
    except NoLentIds as missing:
        raise Lacking(str(missing), missing.unlock) from missing
    try:
        _enter(Outer(lent)).become_root()
    except OSError as error:
        raise Lacking(str(error), walls.opener_of_user_namespaces()) from error
    return f"ids from {lent.uid} on can be used"


def processes_of_its_own(_: Path) -> str:
    """Whether a sandbox may see its own processes in /proc; in containers a masked /proc forbids a new one."""
    _enter(_outer())
    sys.unshare(_INNER)
    child = os.fork()
    if child == 0:
        os._exit(_mount_proc())
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        remedy = walls.opener_of_container() or "umount whatever is mounted below /proc"
        raise Lacking("/proc cannot be mounted in a namespace", remedy)
    return "a sandbox gets a /proc of its own"


def _mount_proc() -> int:
    try:
        sys.mount("proc", "/proc", "proc")
    except OSError:
        return 1
    return 0


def overlays(scratch: Path) -> str:
    """Whether the data directory's file system can be the upper layer of an overlay."""
    _enter(_outer())
    os.chdir(scratch)
    for name in ("lower", "upper", "work", "merged"):
        os.mkdir(name)
    try:
        sys.mount("overlay", "merged", "overlay", 0, "userxattr,lowerdir=lower,upperdir=upper,workdir=work")
        Path("merged/written").write_text("an overlay may come up read-only: only a write tells")
    except OSError as error:
        raise Lacking(str(error), "cove up --data DIR, on ext4, xfs, btrfs or tmpfs") from error
    return "an overlay on the data directory's file system takes a write"


def process_limit(_: Path) -> str:
    """Whether the kernel holds a limit of processes for each sandbox: one fork too many is tried."""
    outer = _outer()
    _enter(outer)
    outer.become_root()
    namespace = outer.make_sandbox_namespace(_ENOUGH)
    sys.setns(namespace, sys.CLONE_NEWUSER)
    for _number in range(_ENOUGH + 1):
        try:
            if os.fork() == 0:
                signal.pause()
        except BlockingIOError:
            return "a sandbox's processes are counted, and stop at its limit"
    raise Lacking("one process more than the limit was made", "boot a kernel of 5.14 or newer")


def delegation(scratch: Path) -> str:
    """Whether a control group is ours."""
    found = Delegation.here(scratch.name)
    if found.place is None:
        raise Lacking("no control group is delegated to this process", DELEGATE)
    if not found.has_limits:
        names = ", ".join(found.controllers) or "no controller"
        raise Lacking(f"a control group is delegated, with {names}", DELEGATE)
    return "a control group is delegated, with memory, cpu and pids"


def core_dumps(_: Path, root: Path = walls.HERE) -> str:
    """Whether a crash inside stays inside."""
    handler = walls.core_handler(root)
    if handler:
        raise Lacking(
            f"the kernel hands crashed processes to {handler}; a session's too, if they set their core limit to 0",
            "sudo sysctl -w kernel.core_pattern=core",
        )
    return "the kernel hands crashed processes to nobody"


def _outer() -> Outer:
    try:
        return Outer(lent_ids())
    except NoLentIds:
        return Outer(None)


def _enter(outer: Outer) -> Outer:
    outer.enter()
    return outer
