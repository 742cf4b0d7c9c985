"""What this machine gives a Cove: each probe really tries, in a child of its own, for a bounded time, and cleans up."""

import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from cove.node import ordinary_questions, questions
from cove.node.cgroups import Group, find_hierarchies, remove_instance, session_names
from cove.node.children import in_child
from cove.node.differences import DELEGATE
from cove.node.questions import Lacking

_PROBE_SECONDS = 10.0


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What one probe found. `gives` is what a Cove uses it for; `unlock` is empty where nothing is missing."""

    name: str
    ok: bool
    required: bool
    found: str
    gives: str
    unlock: str = ""


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """One question to the machine. `ask` gets a scratch directory and says what it found, or raises what is missing."""

    name: str
    gives: str
    ask: Callable[[Path], str]
    unlock: str
    required: bool = True


def probe_all(data_dir: Path) -> list[Finding]:
    """Ask everything, in order; the file system asked about is that of `data_dir`."""
    return [probe(one, data_dir) for one in probes_for(os.geteuid())]


def probes_for(uid: int) -> tuple[Probe, ...]:
    """What is to be asked where this user makes sandboxes."""
    if uid == 0:
        return PROBES
    shared = {one.name: one for one in PROBES}
    return (*ORDINARY_PROBES, *(shared[name] for name in ("seccomp", "redirect", "core dumps", "disk space", "python")))


def probe(one: Probe, data_dir: Path) -> Finding:
    """Ask one question in a child process, which is killed with all it started after ten seconds."""
    with tempfile.TemporaryDirectory(prefix="cove-probe-", dir=_nearest(data_dir)) as scratch:
        try:
            answer = in_child(lambda: _asked(one, Path(scratch)), seconds=_PROBE_SECONDS)
        finally:
            _remove_groups(Path(scratch).name)
    return msgspec.convert(answer, Finding) if answer else _finding(one, ok=False, found="the probe did not end")


def _asked(one: Probe, scratch: Path) -> dict[str, object]:
    try:
        finding = _finding(one, ok=True, found=one.ask(scratch))
    except Lacking as missing:
        finding = _finding(one, ok=False, found=str(missing), unlock=missing.unlock)
    except (OSError, subprocess.SubprocessError, TimeoutError, KeyError, ValueError) as error:
        finding = _finding(one, ok=False, found=str(error) or type(error).__name__)
    return msgspec.structs.asdict(finding)


def _finding(one: Probe, *, ok: bool, found: str, unlock: str = "") -> Finding:
    remedy = "" if ok else unlock or one.unlock
    return Finding(name=one.name, ok=ok, required=one.required, found=found, gives=one.gives, unlock=remedy)


def _nearest(path: Path) -> Path | None:
    """The nearest directory to `path` that is there and that we may write in; None means the usual one."""
    existing = next((one for one in (path, *path.parents) if one.is_dir()), Path("/"))
    return existing if os.access(existing, os.W_OK | os.X_OK) and existing != Path("/") else None


def _remove_groups(instance: str) -> None:
    """Remove what a probe made, also of one that was killed half-way."""
    hierarchies = find_hierarchies()
    for name in session_names(hierarchies, instance):
        Group(hierarchies, instance, name).remove()
    remove_instance(hierarchies, instance)


CORE_DUMPS = Probe(
    name="core dumps",
    gives="crashes in a session that no program outside hears of",
    ask=ordinary_questions.core_dumps,
    unlock="sudo sysctl -w kernel.core_pattern=core",
    required=False,
)
ORDINARY_PROBES: tuple[Probe, ...] = (
    Probe(name="kernel", gives="limits by namespace", ask=ordinary_questions.kernel, unlock="boot a newer kernel"),
    Probe(
        name="user namespaces",
        gives="everything: without them nobody but root makes a sandbox",
        ask=ordinary_questions.user_namespaces,
        unlock="sudo sysctl -w user.max_user_namespaces=15000",
    ),
    Probe(
        name="user ids",
        gives="root inside, and users of its own, so that packages can be installed",
        ask=ordinary_questions.subordinate_ids,
        unlock="sudo apt-get install uidmap",
        required=False,
    ),
    Probe(
        name="processes",
        gives="processes that see each other and nobody else's",
        ask=ordinary_questions.processes_of_its_own,
        unlock="run `cove up` on the host instead of in this container",
    ),
    Probe(
        name="overlays",
        gives="a root file system that each session may change",
        ask=ordinary_questions.overlays,
        unlock="cove up --data DIR, on ext4, xfs or btrfs",
    ),
    Probe(
        name="process limit",
        gives="a limit of processes for each session",
        ask=ordinary_questions.process_limit,
        unlock="boot a kernel of 5.14 or newer",
    ),
    Probe(
        name="control group",
        gives="limits of memory and cpu for a session as a whole, and a pause that nothing inside notices",
        ask=ordinary_questions.delegation,
        unlock=DELEGATE,
        required=False,
    ),
)
"""What an ordinary user's sandboxes need, before what everybody's do."""
PROBES: tuple[Probe, ...] = (
    Probe(name="kernel", gives="idmapped overlays", ask=questions.kernel, unlock="boot a newer kernel"),
    Probe(name="rights", gives="idmapped mounts, limits, disk images", ask=questions.rights, unlock="sudo cove up"),
    Probe(
        name="user namespaces",
        gives="the sandbox's own root, who is nobody outside",
        ask=questions.user_namespaces,
        unlock="sudo sysctl -w user.max_user_namespaces=15000",
    ),
    Probe(
        name="control groups",
        gives="limits of memory, cpu and processes",
        ask=questions.control_groups,
        unlock="sudo cove up, where /sys/fs/cgroup can be written",
    ),
    Probe(
        name="freezer",
        gives="pause and resume",
        ask=questions.freezer,
        unlock="sudo cove up, where /sys/fs/cgroup can be written",
    ),
    Probe(
        name="idmapped mounts",
        gives="one image shared by all sessions",
        ask=questions.idmapped_mounts,
        unlock="sudo cove up --data DIR, on ext4, xfs or btrfs",
    ),
    Probe(
        name="overlays",
        gives="a root file system that each session may change",
        ask=questions.overlays,
        unlock="sudo modprobe overlay",
    ),
    Probe(
        name="disk images",
        gives="a cap on what a session stores",
        ask=questions.disk_images,
        unlock="sudo modprobe loop",
    ),
    Probe(
        name="seccomp",
        gives="system calls that no session may make",
        ask=questions.seccomp,
        unlock="boot a kernel with CONFIG_SECCOMP_FILTER",
    ),
    Probe(
        name="redirect",
        gives="the network for programs that know of no proxy",
        ask=questions.redirect,
        unlock="sudo modprobe -a nf_tables nft_chain_nat nft_redir",
        required=False,
    ),
    CORE_DUMPS,
    Probe(
        name="disk space",
        gives="room for images and sessions",
        ask=questions.disk_space,
        unlock="cove up --data DIR, on a file system with more room",
    ),
    Probe(name="python", gives="the runtime of the guest", ask=questions.python, unlock="install Python 3.11 or newer"),
)
"""Every probe, in the order in which `cove doctor` shows them."""
