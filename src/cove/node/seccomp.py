"""The system calls that no process of a sandbox may make, compiled to a BPF filter without any library.

A list of what is refused, not of what is allowed: a sandbox runs whatever its user brings. What is refused either
makes namespaces, mounts or keys, loads code into the kernel, or is a part of the kernel with a record of holes that
ordinary programs do without. Numbers are from the kernel's `unistd` tables of each architecture.
"""

import errno
import os
import struct

_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_LOAD, _JUMP_EQUAL, _JUMP_SET, _JUMP_GE, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_NUMBER_AT, _ARCH_AT, _ARGUMENT_AT = 0, 4, 16
_X32_BIT = 0x40000000

NAMESPACE_FLAGS = 0x7E020080
"""Every CLONE_NEW* flag: NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET and NEWTIME."""
SOCKET_FAMILIES = {"unix": 1, "inet": 2, "inet6": 10, "netlink": 16}
"""The only socket families; packet, vsock, alg and the like are refused."""
TERMINAL_REQUESTS = {"TIOCSTI": 0x5412, "TIOCLINUX": 0x541C}
"""ioctl requests that put input into somebody's terminal."""

_ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_COLUMN = {"x86_64": 0, "aarch64": 1}

# name: (x86_64, aarch64); None where an architecture has no such call
REFUSED: dict[str, tuple[int | None, int | None]] = {
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "open_tree": (428, 428),
    "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432),
    "fspick": (433, 433), "mount_setattr": (442, 442), "open_tree_attr": (467, 467), "setns": (308, 268),
    "swapon": (167, 224), "swapoff": (168, 225), "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "open_by_handle_at": (304, 265),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105),
    "finit_module": (313, 273), "delete_module": (176, 106), "reboot": (169, 142), "acct": (163, 89),
    "quotactl": (179, 60), "quotactl_fd": (443, 443), "settimeofday": (164, 170), "clock_settime": (227, 112),
    "clock_adjtime": (305, 266), "adjtimex": (159, 171), "iopl": (172, None), "ioperm": (173, None),
    "syslog": (103, 116), "vhangup": (153, 58), "move_pages": (279, 239), "mbind": (237, 235),
    "set_mempolicy": (238, 237), "migrate_pages": (256, 238), "lookup_dcookie": (212, 18),
    "modify_ldt": (154, None), "uselib": (134, None), "ustat": (136, None), "sysfs": (139, None),
    "fanotify_init": (300, 262), "kcmp": (312, 272),
}  # fmt: skip
NEWEST = 467
"""The newest call that was looked at (Linux 6.18); a kernel's later ones answer ENOSYS, as on an older kernel."""
_CLONE, _CLONE3, _UNSHARE = (56, 220), (435, 435), (272, 97)
_SOCKET, _IOCTL = (41, 198), (16, 29)


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def _refuse(number: int) -> bytes:
    return _instruction(_RETURN, _ERRNO | number)


def _on_call(number: int, body: bytes) -> bytes:
    """`body`, run only for call `number`; it must end in a return."""
    return _instruction(_JUMP_EQUAL, number, 0, len(body) // 8) + body


def _unless_flags(flags: int) -> bytes:
    test = _instruction(_LOAD, _ARGUMENT_AT) + _instruction(_JUMP_SET, flags, 0, 1)
    return test + _refuse(errno.EPERM) + _instruction(_RETURN, _ALLOW)


def _only_values(values: list[int], refusal: int) -> bytes:
    """Allow the call when its first argument is one of `values`."""
    tests = [_instruction(_JUMP_EQUAL, value, len(values) - place, 0) for place, value in enumerate(values)]
    return _instruction(_LOAD, _ARGUMENT_AT) + b"".join(tests) + _refuse(refusal) + _instruction(_RETURN, _ALLOW)


def _never_second(values: list[int]) -> bytes:
    """Refuse the call when its second argument is one of `values`."""
    tests = [_instruction(_JUMP_EQUAL, value, len(values) - place, 0) for place, value in enumerate(values)]
    load = _instruction(_LOAD, _ARGUMENT_AT + 8)
    return load + b"".join(tests) + _instruction(_RETURN, _ALLOW) + _refuse(errno.EPERM)


def sandbox_filter(machine: str = os.uname().machine) -> bytes:
    """The filter for this architecture, as BPF instructions; raises KeyError on one we have no numbers for."""
    column = _COLUMN[machine]
    parts = [
        _instruction(_LOAD, _ARCH_AT),
        _instruction(_JUMP_EQUAL, _ARCHITECTURE[machine], 1, 0) + _instruction(_RETURN, _KILL),
        _instruction(_LOAD, _NUMBER_AT),
    ]
    if machine == "x86_64":
        parts.append(_instruction(_JUMP_GE, _X32_BIT, 0, 1) + _instruction(_RETURN, _KILL))
    parts.append(_instruction(_JUMP_GE, NEWEST + 1, 0, 1) + _refuse(errno.ENOSYS))
    parts += [
        _on_call(_CLONE[column], _unless_flags(NAMESPACE_FLAGS & ~0x80)),
        _on_call(_CLONE3[column], _refuse(errno.ENOSYS)),  # its flags lie in memory; libc falls back to clone
        _on_call(_UNSHARE[column], _unless_flags(NAMESPACE_FLAGS)),
        _on_call(_SOCKET[column], _only_values(list(SOCKET_FAMILIES.values()), errno.EAFNOSUPPORT)),
        _on_call(_IOCTL[column], _never_second(list(TERMINAL_REQUESTS.values()))),
    ]
    numbers = [numbers[column] for numbers in REFUSED.values()]
    parts += [_on_call(number, _refuse(errno.EPERM)) for number in numbers if number is not None]
    return b"".join(parts) + _instruction(_RETURN, _ALLOW)
