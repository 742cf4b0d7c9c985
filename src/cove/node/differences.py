"""In what an ordinary user's sandboxes differ from root's, a sentence each, as `/capabilities` and `doctor` show it."""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from cove.node.delegation import Delegation
from cove.node.subordinate_ids import LentIds, NoLentIds, lent_ids


class Difference(msgspec.Struct, frozen=True):
    """`unlock` is the one command that takes the difference away; empty where only root can do without it."""

    id: str
    sentence: str
    unlock: str = ""


DELEGATE = "systemd-run --user --scope -p Delegate=yes cove up"
_AS_ROOT = "sudo cove up"
SHARED_IDS = Difference(
    "shared-ids", "sessions share one range of user ids; namespaces alone keep them apart", _AS_ROOT
)
HOST_PACKAGES = Difference(
    "host-packages",
    "packages can be installed and removed, but those of the host not upgraded, and its files not changed in place",
    _AS_ROOT,
)
DISK = Difference(
    "disk",
    "what a session stores is measured every few seconds and its commands are killed above its limit; only the size of "
    "a single file is held by the kernel",
    _AS_ROOT,
)
PAUSE = Difference("pause", "a pause stops every process by a signal, which its parent may see", DELEGATE)
MEMORY = Difference(
    "memory",
    "memory is limited by the kernel for each process, and for the session as a whole by a look twice a second",
    DELEGATE,
)
PROCESSORS = Difference("cpu", "processor time is not limited", DELEGATE)
READ_ONLY_USR = Difference("usr", "/usr is read-only, since something is mounted below it on this machine", _AS_ROOT)
NO_SCREEN = Difference(
    "hidden", "files of /usr that are hidden elsewhere can be read if everybody can read them", _AS_ROOT
)


def one_id(reason: str, unlock: str) -> Difference:
    """Where the user has no id but his own."""
    return Difference(
        "one-id",
        f"{reason}: nobody is root inside (user='root' is refused); pip and npm install at home",
        unlock,
    )


def own_ids() -> tuple[LentIds | None, Difference | None]:
    """What is lent to whoever runs us, or the difference that it makes that nothing is."""
    try:
        return lent_ids(), None
    except NoLentIds as missing:
        return None, one_id(str(missing), missing.unlock)


def usr_is_whole(mountinfo: str | None = None) -> bool:
    """Whether nothing is mounted below /usr: a tree of mounts that we may not take apart makes no layer."""
    text = Path("/proc/self/mountinfo").read_text() if mountinfo is None else mountinfo
    return not any(line.split()[4].startswith("/usr/") for line in text.splitlines())


def own_differences() -> list[Difference]:
    """Those that hold for sandboxes that whoever runs us would make now; none for root."""
    if os.geteuid() == 0:
        return []
    return list(differences(*own_ids(), Delegation.here("none"), usr_is_whole=usr_is_whole()))


def differences(
    lent: LentIds | None, why_none: Difference | None, delegation: Delegation, *, usr_is_whole: bool
) -> Iterator[Difference]:
    """Those that hold here."""
    if why_none is not None:
        yield why_none
    if lent is not None:
        yield SHARED_IDS
        yield HOST_PACKAGES
    yield DISK
    if delegation.place is None:
        yield PAUSE
    if not delegation.has_limits:
        yield MEMORY
        yield PROCESSORS
    if not usr_is_whole:
        yield READ_ONLY_USR
        yield NO_SCREEN
