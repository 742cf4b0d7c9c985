"""The user and group ids that an ordinary user may give to processes: those that /etc/subuid and /etc/subgid lend him.

Only `newuidmap` and `newgidmap`, which are setuid root, put them into force.
"""

import os
import pwd
import shutil
from pathlib import Path

import msgspec

from cove.core.account import ID_RANGE

TOOL_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"
_TOOLS = {"/etc/subuid": "newuidmap", "/etc/subgid": "newgidmap"}


class LentIds(msgspec.Struct, frozen=True, kw_only=True):
    """The first of 65,536 user ids and of as many group ids that are this user's to use."""

    uid: int
    gid: int


class NoLentIds(Exception):  # noqa: N818 - it reads as prose where it is raised
    """This user has his own id alone; `unlock` is the one command, run by root, that changes it."""

    def __init__(self, reason: str, unlock: str) -> None:
        super().__init__(reason)
        self.unlock = unlock


def lent_ids(root: Path = Path("/"), *, uid: int | None = None, tools: str = TOOL_PATH) -> LentIds:
    """What is lent to the user who runs us; raises NoLentIds with what is missing. `root` is where /etc is."""
    number = os.geteuid() if uid is None else uid
    firsts = [_first(root / file.lstrip("/"), number) for file in _TOOLS]
    for file, tool in _TOOLS.items():
        if shutil.which(tool, path=tools) is None:
            raise NoLentIds(f"{tool}, which puts {file} into force, is not installed", "sudo apt-get install uidmap")
    if None in firsts:
        name = _name(number)
        first = _free(root)
        span = f"{first}-{first + ID_RANGE - 1}"
        file = list(_TOOLS)[firsts.index(None)]
        raise NoLentIds(
            f"{file} lends {name} no {ID_RANGE} ids", f"sudo usermod --add-subuids {span} --add-subgids {span} {name}"
        )
    return LentIds(uid=firsts[0] or 0, gid=firsts[1] or 0)


def _first(file: Path, uid: int) -> int | None:
    names = {str(uid), _name(uid)}
    ranges = [(first, count) for owner, first, count in _ranges(file) if owner in names]
    return next((first for first, count in ranges if count >= ID_RANGE), None)


def _ranges(file: Path) -> list[tuple[str, int, int]]:
    rows = [line.split(":") for line in file.read_text().splitlines()] if file.exists() else []
    return [(row[0], int(row[1]), int(row[2])) for row in rows if len(row) == 3 and (row[1] + row[2]).isdecimal()]


def _free(root: Path) -> int:
    """The first id above all that are lent to anybody."""
    ranges = [entry for file in _TOOLS for entry in _ranges(root / file.lstrip("/"))]
    return max([100_000, *(first + count for _, first, count in ranges)])


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
