"""What every root file system needs and some images lack: the user, a home, names and a place for temporary files.

Runs inside, after the root was entered, so that no link of the image can lead outside. It adds and never replaces.
"""

import os

from cove.core.account import HOME, USER, USER_ID

MOUNT_POINTS = ("proc", "sys", "dev", "run")
_ACCOUNTS = {
    "/etc/passwd": ("root:x:0:0:root:/root:/bin/sh", f"{USER}:x:{USER_ID}:{USER_ID}::{HOME}:/bin/sh"),
    "/etc/group": ("root:x:0:", f"{USER}:x:{USER_ID}:"),
}
_FILES = {
    "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "/etc/resolv.conf": "nameserver 127.0.0.1\n",
    "/tmp/README": "Temporary files of this session; they go when it goes.\n",  # noqa: S108
}


def furnish() -> None:
    """Add what is missing. On the `host` image, which has it all, this only looks."""
    for directory in ("/etc", "/root", "/tmp", "/var/tmp", HOME):  # noqa: S108
        if not os.path.isdir(directory):
            os.makedirs(directory)
            os.chmod(directory, 0o1777 if directory.endswith("tmp") else 0o755)
            if directory == HOME:
                os.chown(HOME, USER_ID, USER_ID)
    for path, lines in _ACCOUNTS.items():
        _add_accounts(path, lines)
    for path, text in _FILES.items():
        if not os.path.lexists(path):
            _append(path, text)


def offer_proxy(address: str) -> None:
    """Let every command know of a proxy, in each of the spellings that programs look for."""
    names = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
    local = "localhost,127.0.0.1,::1"
    lines = [*(f'{name}="{address}"' for name in names), f'no_proxy="{local}"', f'NO_PROXY="{local}"']
    _append("/etc/environment", "".join(f"{line}\n" for line in lines))


def _add_accounts(path: str, lines: tuple[str, ...]) -> None:
    present = _names(path)
    missing = [line for line in lines if line.split(":")[0] not in present]
    if missing:
        _append(path, "".join(f"{line}\n" for line in missing))


def _names(path: str) -> set[str]:
    if not os.path.exists(path):
        return set()
    with open(path, encoding="utf-8", errors="replace") as file:
        return {line.split(":")[0] for line in file}


def _append(path: str, text: str) -> None:
    with open(path, "a", encoding="utf-8") as file:
        file.write(text)
