"""The arguments with which a node starts a guest."""

import os

from cove.guest.settings import GuestSettings

STATE = "/run/cove/env.json"


def settings(argv: list[str], keeper_fd: int | None) -> GuestSettings:
    """Settings from `--name value` pairs; raises KeyError or ValueError for what a node never sends.

    `--fds 4,5 --output-bytes N --home DIR --uid N --gid N`, and `--state FILE` and `--switch-user 0|1`, which
    default to STATE and to whether this process is root, `--process-bytes N` and `--may-be-root 0|1`.
    """
    given = dict(zip(argv[::2], argv[1::2], strict=True))
    return GuestSettings(
        cgroup_fds=tuple(int(fd) for fd in given.pop("--fds", "").split(",") if fd),
        output_bytes=int(given.pop("--output-bytes")),
        home=given.pop("--home"),
        uid=int(given.pop("--uid")),
        gid=int(given.pop("--gid")),
        state=given.pop("--state", STATE),
        switch_user=bool(int(given.pop("--switch-user", str(int(os.geteuid() == 0))))),
        keeper_fd=keeper_fd,
        process_bytes=int(given.pop("--process-bytes", "0")) or None,
        may_be_root=bool(int(given.pop("--may-be-root", "1"))),
    )
