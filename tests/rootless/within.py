"""Runs a command in a user namespace of ours, as in a container that knows us alone: `within.py MOST COMMAND…`.

MOST is how many user namespaces may be made in it. Setuid programs have no more rights than we in it.
"""

import ctypes
import os
import sys

NEWUSER = 0x10000000


def write(path: str, text: str) -> None:
    """A file of /proc."""
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


uid, gid = os.getuid(), os.getgid()
if ctypes.CDLL(None, use_errno=True).unshare(NEWUSER):
    raise OSError(ctypes.get_errno(), "unshare")
write("/proc/self/setgroups", "deny")
write("/proc/self/uid_map", f"{uid} {uid} 1")
write("/proc/self/gid_map", f"{gid} {gid} 1")
write("/proc/sys/user/max_user_namespaces", sys.argv[1])
os.execv(sys.argv[2], sys.argv[2:])
