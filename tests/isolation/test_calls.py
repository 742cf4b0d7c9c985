"""Every refused call, socket family and masked file, one by one: a new one is covered the day it is in its table."""

import errno
import json
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import pytest

from cove.node.launcher.inside import EMPTIED, MASKED
from cove.node.seccomp import REFUSED

from .running import Inside, Verdict, on_host

pytestmark = pytest.mark.isolation
BAD = -1
UNKNOWN = 9999
ARGUMENTS: dict[str, tuple[int, ...]] = {
    "umount2": (0, 0x100000), "open_tree": (BAD,), "fsconfig": (BAD,), "fsmount": (BAD,), "setns": (BAD,),
    "swapon": (0, 0x8000000), "keyctl": (UNKNOWN,), "bpf": (UNKNOWN,), "perf_event_open": (0, 0, BAD, BAD, BAD),
    "userfaultfd": (1 | 1 << 30,), "io_uring_enter": (BAD,), "io_uring_register": (BAD,),
    "open_by_handle_at": (BAD,), "kexec_load": (0, 1000), "kexec_file_load": (BAD, BAD, 0, 0, BAD),
    "finit_module": (BAD, 0, BAD), "quotactl": (0xFFFFFFFF,), "quotactl_fd": (BAD, 0xFFFFFFFF),
    "acct": (1,), "settimeofday": (1,), "clock_settime": (UNKNOWN,), "clock_adjtime": (UNKNOWN,),
    "iopl": (UNKNOWN,), "syslog": (UNKNOWN,), "set_mempolicy": (UNKNOWN,), "modify_ldt": (UNKNOWN,),
    "ustat": (0xFFFFFFFF,), "sysfs": (UNKNOWN,), "fanotify_init": (0x80000200,),
}  # fmt: skip
"""Arguments with which a call that gets through does no harm, and fails by another error than the filter's."""
ROOT_ONLY = (
    "swapoff", "open_by_handle_at", "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module",
    "reboot", "acct", "vhangup", "syslog", "bpf", "lookup_dcookie",
)  # fmt: skip
"""Calls that the kernel refuses to all but real root: shown to be possible on the host."""
FAMILIES = {"netrom": 6, "packet": 17, "can": 29, "tipc": 30, "bluetooth": 31, "alg": 38, "vsock": 40, "xdp": 44}
RAW = "3"
present = [name for name in MASKED if os.path.exists(f"/proc/{name}") and name != "sysrq-trigger"]


@lru_cache
def column() -> int:
    """Where this machine's numbers stand."""
    return {"x86_64": 0, "aarch64": 1}[os.uname().machine]


def calls() -> dict[str, list[int]]:
    """Every refused call that this machine has, with its arguments."""
    numbers = {name: both[column()] for name, both in REFUSED.items()}
    return {
        name: [number, *ARGUMENTS.get(name, ()), *[0] * 6][:7] for name, number in numbers.items() if number is not None
    }


def answers(verdict: Verdict) -> dict[str, str]:
    """The error of each call, by name; empty where there was none."""
    return {name: errno.errorcode.get(number, "") for name, number in verdict.told.items()}


@pytest.fixture(scope="session")
def refusals(walled: Inside) -> dict[str, str]:
    """What root is told behind every wall."""
    return answers(walled.attack("kernel.refusals", json.dumps(calls()), user="root"))


@pytest.fixture(scope="module")
def unfiltered(breaches: Callable[[str], Inside]) -> dict[str, str]:
    """What root is told without the filter."""
    return answers(breaches("seccomp").attack("kernel.refusals", json.dumps(calls()), user="root"))


@pytest.fixture(scope="session")
def refusals_on_host() -> dict[str, str]:
    """What the host's root is told."""
    only = {name: calls()[name] for name in ROOT_ONLY if name in calls()}
    return answers(on_host("kernel.refusals", json.dumps(only), "as real root"))


@pytest.mark.claim("system-calls")
@pytest.mark.parametrize("name", calls())
def test_call_is_refused(name: str, refusals: dict[str, str]) -> None:
    assert refusals[name] == "EPERM"


@pytest.mark.parametrize("name", calls())
def test_call_gets_through_without_the_filter(
    name: str, unfiltered: dict[str, str], refusals_on_host: dict[str, str]
) -> None:
    assert "EPERM" not in (refusals_on_host if name in ROOT_ONLY else unfiltered)[name]


@pytest.mark.claim("sockets")
@pytest.mark.parametrize("family", FAMILIES)
def test_socket_family_is_refused(family: str, walled: Inside, breaches: Callable[[str], Inside]) -> None:
    arguments = ("kernel.make_socket", str(FAMILIES[family]), RAW)
    refused = walled.attack(*arguments, user="root")
    assert (refused.breached, "not supported" in refused.told) == (False, True)
    assert breaches("seccomp").attack(*arguments, user="root").breached == on_host(*arguments).breached


@pytest.mark.claim("proc")
@pytest.mark.parametrize("name", present)
def test_masked_file_tells_nothing(name: str, walled: Inside, breaches: Callable[[str], Inside]) -> None:
    attack = ("views.read_some", f"/proc/{name}")
    assert not walled.attack(*attack, user="root").breached
    if not Path(f"/proc/{name}").stat().st_mode & 0o004:
        return  # only the host's own root could read it, whose files are not opened for a test
    # there may be no key that the session could see: then the host's own shows what the file tells
    assert breaches("masks").attack(*attack, user="root").breached or on_host(*attack).breached


@pytest.mark.claim("proc")
@pytest.mark.parametrize("name", [name for name in EMPTIED if os.path.isdir(f"/proc/{name}")])
def test_emptied_directory_of_proc_is_empty(name: str, walled: Inside, breaches: Callable[[str], Inside]) -> None:
    attack = ("views.list_directory", f"/proc/{name}")
    assert not walled.attack(*attack, user="root").breached
    without = breaches("masks").attack(*attack, user="root")
    assert without.breached == on_host(*attack).breached
