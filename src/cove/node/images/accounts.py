"""The accounts of a session: root, wuying, and the system accounts that the host's packages made. Pure text to text."""

import msgspec

from cove.core.account import HOME, USER, USER_ID

_NOBODY = 65534
_APT = ("_apt", "x", "42", "65534", "", "/nonexistent", "/usr/sbin/nologin")
_PRIVATE_HOMES = ("/home", "/root", "/Users")


class Accounts(msgspec.Struct, frozen=True):
    """The text of the four files. No password is set: nobody logs in by one."""

    passwd: str
    group: str
    shadow: str
    gshadow: str
    shadow_gid: int
    apt_uid: int


def render_accounts(passwd: str, group: str) -> Accounts:
    """Accounts from the host's two files; people's accounts and their names are left out."""
    users = _users(passwd)
    groups = _groups(group, {user[0] for user in users})
    by_name = {row[0]: row for row in (*users, *groups)}
    return Accounts(
        passwd=_lines(users),
        group=_lines(groups),
        shadow="".join(f"{user[0]}:*:19000:0:99999:7:::\n" for user in users),
        gshadow="".join(f"{row[0]}:*::{row[3]}\n" for row in groups),
        shadow_gid=int(by_name["shadow"][2]) if "shadow" in by_name else 0,
        apt_uid=int(next(user[2] for user in users if user[0] == "_apt")),
    )


def _users(passwd: str) -> list[tuple[str, ...]]:
    users: list[tuple[str, ...]] = [("root", "x", "0", "0", "root", "/root", "/bin/bash")]
    for row in _rows(passwd, 7):
        if row[0] not in ("root", USER) and _is_system(row[2]):
            home = "/nonexistent" if row[5].startswith(_PRIVATE_HOMES) else row[5]
            users.append((row[0], "x", row[2], row[3] if _is_system(row[3]) else str(_NOBODY), "", home, row[6]))
    if not any(user[0] == "_apt" for user in users):
        users.append(_APT)
    users.append((USER, "x", str(USER_ID), str(USER_ID), "", HOME, "/bin/bash"))
    return users


def _groups(group: str, users: set[str]) -> list[tuple[str, ...]]:
    groups: list[tuple[str, ...]] = [("root", "x", "0", "")]
    for row in _rows(group, 4):
        if row[0] not in ("root", USER) and _is_system(row[2]):
            members = [name for name in row[3].split(",") if name in users]
            groups.append((row[0], "x", row[2], ",".join(members)))
    if not any(row[2] == str(_NOBODY) for row in groups):
        groups.append(("nogroup", "x", str(_NOBODY), ""))
    groups.append((USER, "x", str(USER_ID), ""))
    return groups


def _rows(text: str, width: int) -> list[list[str]]:
    rows = [line.split(":") for line in text.splitlines()]
    return [row for row in rows if len(row) == width and row[0] and row[2].isdecimal()]


def _is_system(number: str) -> bool:
    return 0 < int(number) < USER_ID or int(number) == _NOBODY


def _lines(rows: list[tuple[str, ...]]) -> str:
    return "".join(":".join(row) + "\n" for row in rows)
