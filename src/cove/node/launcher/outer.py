"""A launcher's own user namespace, where it has no root: in it, and in no other place, its children are root.

Known in it are the ids lent to the user (65,536 of them, from 0 on) and above them the user himself, so that root of it
may give his files to a sandbox's users and take them back. A user with no id but his own is `wuying` in it and inside.
The launcher's process stays outside, an ordinary one: what enters is a child of it, for one thing, and ends with it.
"""

import os
import resource
import subprocess
from functools import partial
from pathlib import Path

import msgspec

from cove.core.account import ID_RANGE, USER_ID
from cove.node import syscalls as sys
from cove.node.disks import LAYERS
from cove.node.facts import facts_of
from cove.node.launcher.owners import make_user_namespace, namespace_mapped_by, take_ids
from cove.node.processes import RECORD
from cove.node.subordinate_ids import TOOL_PATH, LentIds

_MAPPING_SECONDS = 10.0


class Outer:
    """Made once by a launcher. `root` is the id that owns a sandbox's files: 0, or the user's where he has no other."""

    def __init__(self, lent: LentIds | None) -> None:
        self.root = 0 if lent else USER_ID
        self._count = ID_RANGE if lent else 1
        self._namespace = namespace_mapped_by(partial(_write_lent, lent) if lent else _write_own)

    def enter(self) -> None:
        """In a child: have every right in the namespace, and mounts of our own, and still be the user."""
        sys.setns(self._namespace, sys.CLONE_NEWUSER)
        sys.unshare(sys.CLONE_NEWNS)
        sys.mount(None, "/", None, sys.MS_REC | sys.MS_PRIVATE)

    def become_root(self) -> None:
        """In a child that has entered: be who owns a sandbox's files."""
        take_ids(self.root)
        sys.prctl(sys.PR_SET_DUMPABLE, 1)  # else our children's maps in /proc are not ours to write

    def lay_out(self, disk: int) -> None:
        """Give a sandbox's disk, an empty directory of the user's, its layers."""
        os.chown(f"/proc/self/fd/{disk}", self.root, self.root)
        for layer in LAYERS:
            for name in (layer, f"{layer}/upper", f"{layer}/work"):
                os.mkdir(name, 0o755, dir_fd=disk)

    def make_sandbox_namespace(self, processes: int) -> int:
        """The user namespace for one sandbox. All processes in it together are at most so many.

        The kernel counts processes against the limit of whoever made a namespace, for that maker's id, in the maker's
        namespace. So there are two, one in the other: in the outer one nobody else ever is.
        """
        sys.setns(self._make_within(), sys.CLONE_NEWUSER)
        take_ids(self.root)
        resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes))
        return self._make_within()

    def _make_within(self) -> int:
        return make_user_namespace(self.root, inside=self.root, count=self._count)


class Record:
    """The note by which a sandbox's first process is found by a server that did not see it made.

    The process waits for it: one of which nobody knows does not live.
    """

    def __init__(self, directory: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        self._file = os.open(Path(directory, RECORD), flags, 0o600)
        self._written, self._tell = os.pipe2(os.O_CLOEXEC)

    def write(self, pid: int) -> None:
        """In the parent."""
        os.write(self._file, msgspec.json.encode(facts_of(pid)))
        os.write(self._tell, b"1")

    def await_written(self) -> None:
        """In the process itself; raises OSError if nobody will write any more."""
        os.close(self._tell)
        if not os.read(self._written, 1):
            raise OSError("the launcher was killed")
        os.close(self._file)


def _write_own(child: int) -> None:
    """An id that is only one's own needs nobody's leave, if nobody can drop groups by it."""
    Path(f"/proc/{child}/setgroups").write_text("deny")
    Path(f"/proc/{child}/uid_map").write_text(f"{USER_ID} {os.geteuid()} 1")
    Path(f"/proc/{child}/gid_map").write_text(f"{USER_ID} {os.getegid()} 1")


def _write_lent(lent: LentIds, child: int) -> None:
    for tool, first, own in (("newuidmap", lent.uid, os.geteuid()), ("newgidmap", lent.gid, os.getegid())):
        numbers = (child, 0, first, ID_RANGE, ID_RANGE, own, 1)
        command = [tool, *map(str, numbers)]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_MAPPING_SECONDS, env={"PATH": TOOL_PATH}
        )
        if done.returncode:
            raise OSError(f"{tool} refused: {done.stderr.strip()}")
