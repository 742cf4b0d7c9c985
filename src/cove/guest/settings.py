"""How a guest is set up. In a sandbox the values come from its command line, elsewhere from whoever makes a `Guest`."""

from typing import Literal

import msgspec

from cove.core.account import HOME, USER_ID
from cove.core.limits import MIB

User = Literal["wuying", "root"]


class GuestSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The defaults suit a sandbox; a guest outside one sets `switch_user=False` and a `root`.

    `root` is a directory below which every absolute path of a file tool, and a command's working directory, is looked
    for: it makes a simulation, not a wall. `cgroup_fds` are open `cgroup.procs` files that each child enters before it
    does anything else. `state` is where `set_env` is remembered across a restart of the guest. `keeper_fd` is the
    socket to pid 1. `fork_file_tools` runs each file tool in a child of its own, which is what gives it the rights
    (and the memory limit) of the user. `process_bytes` bounds what each process may allocate where no control group
    does; without `may_be_root` a command as root is refused.
    """

    home: str = HOME
    root: str | None = None
    uid: int = USER_ID
    gid: int = USER_ID
    switch_user: bool = True
    fork_file_tools: bool = True
    output_bytes: int = 4 * MIB
    cgroup_fds: tuple[int, ...] = ()
    state: str | None = None
    keeper_fd: int | None = None
    process_bytes: int | None = None
    may_be_root: bool = True

    def ids(self, user: User) -> tuple[int, int]:
        """The user and group id that `user` stands for inside."""
        return (0, 0) if user == "root" else (self.uid, self.gid)

    def home_of(self, user: User) -> str:
        """Where `user` is at home; root has the user's own where root cannot be switched to."""
        return "/root" if user == "root" and self.switch_user else self.home
