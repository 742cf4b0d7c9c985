"""The environment of commands: what every one has, and what `set_env` added, which outlives a restart of the guest."""

import os

import msgspec

from cove.guest.failures import failed
from cove.guest.settings import GuestSettings, User
from cove.guest.threads import Lock

MAX_BYTES = 1024 * 1024
"""Of all variables together: half of what the kernel takes for arguments and environment."""
_LONGEST_FILE = 64 * 1024
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class VariableStore:
    """What `set_env` set. Safe to use from several threads."""

    def __init__(self, path: str | None = None) -> None:
        self._path = path
        self._lock = Lock()
        self._values = _read(path) if path else {}

    def values(self) -> dict[str, str]:
        """A copy of what is set."""
        with self._lock:
            return dict(self._values)

    def update(self, values: dict[str, str]) -> None:
        """Set variables for all commands to come; raises ToolFailed InvalidVariable, TooLarge, and OSError."""
        check_variables(values)
        with self._lock:
            merged = self._values | values
            if sum(len(key) + len(os.fsencode(value)) for key, value in merged.items()) > MAX_BYTES:
                raise failed("TooLarge", f"the variables of a session hold at most {MAX_BYTES} bytes together")
            if self._path:
                _write(self._path, merged)
            self._values = merged


def check_variables(values: dict[str, str]) -> None:
    """Refuse what no environment can hold; raises ToolFailed InvalidVariable."""
    for key, value in values.items():
        if not key or "=" in key or "\0" in key + value:
            raise failed("InvalidVariable", f"{key[:80]!r} cannot be set: no '=' in a name, no NUL, and no empty name")


def environment(settings: GuestSettings, user: User, shell: str) -> dict[str, str]:
    """What every command of `user` starts with: the image's variables, from /etc/environment, and the user's own.

    Raises ToolFailed NotSupported for root where nobody can be root.
    """
    if user == "root" and not settings.may_be_root:
        raise failed("NotSupported", "nobody is root in this session: its server has one user id; leave `user` out")
    return {
        "PATH": _PATH,
        **({} if settings.root else _image_variables()),
        "HOME": settings.home_of(user),
        "USER": user,
        "LOGNAME": user,
        "LANG": "C.UTF-8",
        "SHELL": shell,
        "TERM": "xterm-256color",
    }


def _image_variables() -> dict[str, str]:
    """NAME="value" lines, as pam_env(8) reads them; whatever else the file holds says nothing."""
    try:
        with open("/etc/environment", encoding="utf-8", errors="replace") as file:
            lines = file.read(_LONGEST_FILE).replace("\0", "").splitlines()
    except OSError:
        return {}
    pairs = (line.strip().removeprefix("export ").partition("=") for line in lines if not line.lstrip().startswith("#"))
    return {name: value.strip("\"'") for name, equals, value in pairs if name and equals}


def _read(path: str) -> dict[str, str]:
    try:
        with open(path, "rb") as file:
            return msgspec.json.decode(file.read(8 * MAX_BYTES), type=dict[str, str])
    except (FileNotFoundError, msgspec.MsgspecError):
        return {}


def _write(path: str, values: dict[str, str]) -> None:
    fd = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with open(fd, "wb") as file:
        file.write(msgspec.json.encode(values))
    os.replace(path + ".new", path)
