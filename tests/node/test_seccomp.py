"""The system call filter, run by an interpreter of BPF on calls of both architectures.

What the kernel makes of it is seen in tests/isolation.
"""

import errno
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cove.node.seccomp import NAMESPACE_FLAGS, REFUSED, SOCKET_FAMILIES, TERMINAL_REQUESTS, sandbox_filter

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
I386, ARM = 0x40000003, 0x40000028
ALLOW, KILL = "allow", "kill the process"
LOAD, JUMP_EQUAL, JUMP_GE, JUMP_SET, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
TESTS = {
    JUMP_EQUAL: lambda word, value: word == value,
    JUMP_GE: lambda word, value: word >= value,
    JUMP_SET: lambda word, value: bool(word & value),
}
CALLS = {
    "clone": (56, 220), "clone3": (435, 435), "unshare": (272, 97), "socket": (41, 198), "ioctl": (16, 29),
}  # fmt: skip
EVERYDAY = {
    "read": (0, 63), "write": (1, 64), "openat": (257, 56), "close": (3, 57), "mmap": (9, 222), "brk": (12, 214),
    "execve": (59, 221), "exit_group": (231, 94), "futex": (202, 98), "wait4": (61, 260), "kill": (62, 129),
    "bind": (49, 200), "setuid": (105, 146), "chown": (92, None), "fchownat": (260, 54), "ptrace": (101, 117),
    "chroot": (161, 51), "getrandom": (318, 278), "statx": (332, 291), "epoll_pwait": (281, 22),
}  # fmt: skip
NEWTIME = 0x80
SIGCHLD = 17
machines = pytest.mark.parametrize("machine", ARCHITECTURES)


def verdict(machine: str, number: int | None, *arguments: int, arch: int | None = None) -> str:
    """What the filter for `machine` says of a call: allowed, killed, or the name of the error."""
    assert number is not None
    words = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("iIQ6Q", number, ARCHITECTURES[machine] if arch is None else arch, 0, *words)
    result = run(sandbox_filter(machine), data)
    if result == 0x7FFF0000:
        return ALLOW
    if result == 0x80000000:
        return KILL
    assert result >> 16 == 0x0005, hex(result)
    return errno.errorcode[result & 0xFFFF]


def run(program: bytes, data: bytes) -> int:
    """What a BPF program returns; it may only jump forward, and must not fall off its end."""
    instructions = list(struct.iter_unpack("HBBI", program))
    place = word = 0
    while True:
        code, if_true, if_false, value = instructions[place]
        place += 1
        if code == RETURN:
            return int(value)
        if code == LOAD:
            (word,) = struct.unpack_from("I", data, value)
        else:
            place += if_true if TESTS[code](word, value) else if_false


def column(machine: str) -> int:
    return list(ARCHITECTURES).index(machine)


@machines
@pytest.mark.parametrize("name", REFUSED)
def test_refused_call_fails_with_a_permission_error(machine: str, name: str) -> None:
    number = REFUSED[name][column(machine)]
    if number is not None:
        assert verdict(machine, number) == "EPERM"


@machines
@pytest.mark.parametrize("name", EVERYDAY)
def test_everyday_call_is_allowed(machine: str, name: str) -> None:
    number = EVERYDAY[name][column(machine)]
    if number is not None:
        assert verdict(machine, number) == ALLOW


@machines
@pytest.mark.parametrize("bit", [bit for bit in range(32) if NAMESPACE_FLAGS >> bit & 1])
def test_no_namespace_can_be_made(machine: str, bit: int) -> None:
    clone, unshare = (CALLS[name][column(machine)] for name in ("clone", "unshare"))
    assert verdict(machine, unshare, 1 << bit) == "EPERM"
    if 1 << bit != NEWTIME:  # for clone these bits are the signal that the child ends with
        assert verdict(machine, clone, 1 << bit | SIGCHLD) == "EPERM"


@machines
def test_threads_and_forks_can_be_made(machine: str) -> None:
    threads = 0x3D0F00
    clone, unshare = (CALLS[name][column(machine)] for name in ("clone", "unshare"))
    assert verdict(machine, clone, SIGCHLD) == ALLOW
    assert verdict(machine, clone, threads) == ALLOW
    assert verdict(machine, unshare, 0x400) == ALLOW  # CLONE_FILES


@machines
def test_clone3_does_not_exist_so_that_libc_falls_back(machine: str) -> None:
    assert verdict(machine, CALLS["clone3"][column(machine)]) == "ENOSYS"


@machines
@pytest.mark.parametrize("family", range(64))
def test_only_named_socket_families_are_there(machine: str, family: int) -> None:
    expected = ALLOW if family in SOCKET_FAMILIES.values() else "EAFNOSUPPORT"
    assert verdict(machine, CALLS["socket"][column(machine)], family) == expected


@machines
@pytest.mark.parametrize("name", TERMINAL_REQUESTS)
def test_nobody_types_into_a_terminal(machine: str, name: str) -> None:
    ioctl, request = CALLS["ioctl"][column(machine)], TERMINAL_REQUESTS[name]
    assert verdict(machine, ioctl, 0, request) == "EPERM"
    assert verdict(machine, ioctl, 0, request | 1 << 32) == "EPERM"  # the kernel looks at 32 bits, and so must we
    assert verdict(machine, ioctl, request, 0x5401) == ALLOW  # TCGETS, on a descriptor of that number


@machines
@pytest.mark.parametrize("arch", [I386, ARM, 0])
def test_call_of_another_architecture_ends_the_process(machine: str, arch: int) -> None:
    assert verdict(machine, 0, arch=arch) == KILL


def test_call_of_the_x32_kind_ends_the_process() -> None:
    assert verdict("x86_64", 0x40000000 | CALLS["socket"][0], 1) == KILL


@machines
@given(number=st.integers(0, 2000), arguments=st.lists(st.integers(0, 2**64 - 1), max_size=6))
def test_every_call_has_a_verdict(machine: str, number: int, arguments: list[int]) -> None:
    assert verdict(machine, number, *arguments) in (ALLOW, "EPERM", "ENOSYS", "EAFNOSUPPORT")


@machines
def test_filter_is_short_enough_for_the_kernel(machine: str) -> None:
    assert len(sandbox_filter(machine)) // 8 <= 4096


def test_unknown_architecture_has_no_filter() -> None:
    with pytest.raises(KeyError, match="riscv64"):
        sandbox_filter("riscv64")
