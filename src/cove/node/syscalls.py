"""The Linux system calls that Python lacks, each a thin function that raises OSError."""

import ctypes
import os
import signal
import struct
from typing import Any, NoReturn

_libc = ctypes.CDLL(None, use_errno=True)
_locked_libc = ctypes.PyDLL(None, use_errno=True)
_CLONE3, _CLONE_INTO_CGROUP = 435, 0x200000000
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_OPEN_TREE, _MOVE_MOUNT, _FSOPEN, _FSCONFIG, _FSMOUNT, _MOUNT_SETATTR = 428, 429, 430, 431, 432, 442

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS = 0x20000, 0x2000000, 0x4000000
CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x8000000, 0x10000000, 0x20000000, 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MNT_DETACH = 2

MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV, MOUNT_ATTR_IDMAP = 1, 2, 4, 0x100000
_AT_FDCWD, _AT_EMPTY_PATH, _AT_RECURSIVE = -100, 0x1000, 0x8000
_OPEN_TREE_CLONE, _CLOEXEC = 1, os.O_CLOEXEC
_MOVE_MOUNT_F_EMPTY_PATH = 4
_FSCONFIG_SET_FLAG, _FSCONFIG_SET_STRING, _FSCONFIG_CMD_CREATE = 0, 1, 6
_FSOPEN_CLOEXEC = _FSMOUNT_CLOEXEC = 1

PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 4, 24, 36, 38
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
_CAPABILITY_VERSION_3 = 0x20080522


def _fail(what: str) -> NoReturn:
    number = ctypes.get_errno()
    raise OSError(number, f"{what}: {os.strerror(number)}")


def _checked(what: str, result: int) -> int:
    if result < 0:
        _fail(what)
    return result


def _text(value: str | None) -> bytes | None:
    return None if value is None else os.fsencode(value)


def _syscall(what: str, number: int, *arguments: Any) -> int:
    result: int = _libc.syscall(ctypes.c_long(number), *arguments)
    return _checked(what, result)


def fork_into(cgroup: str) -> int:
    """fork(2), with the child born in a v2 control group: moving it there afterwards waits up to 20 ms for the kernel.

    Only for a process without threads. The child must fork again or exec before it uses threads itself.
    """
    group = os.open(cgroup, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return _clone(_CLONE_INTO_CGROUP, f"into {cgroup}", group)
    finally:
        os.close(group)


def fork_unmapped() -> int:
    """fork(2), with the child in a new user namespace in which no id is mapped yet. As limited as `fork_into`."""
    return _clone(CLONE_NEWUSER, "with a user namespace")


def _clone(flags: int, what: str, group: int = 0) -> int:
    arguments = struct.pack("11Q", flags, 0, 0, 0, signal.SIGCHLD, 0, 0, 0, 0, 0, group)
    python = ctypes.pythonapi
    python.PyOS_BeforeFork()
    # through PyDLL, which holds the interpreter's lock as os.fork does
    pid: int = _locked_libc.syscall(ctypes.c_long(_CLONE3), arguments, ctypes.c_size_t(len(arguments)))
    if pid == 0:
        python.PyOS_AfterFork_Child()
        return 0
    number = ctypes.get_errno()
    python.PyOS_AfterFork_Parent()
    if pid < 0:
        raise OSError(number, f"clone3 {what}: {os.strerror(number)}")
    return pid


def mount(source: str | None, target: str, kind: str | None, flags: int = 0, options: str | None = None) -> None:
    """mount(2)."""
    result = _libc.mount(_text(source), _text(target), _text(kind), ctypes.c_ulong(flags), _text(options))
    _checked(f"mount {kind or 'bind'} at {target}", result)


def unmount(target: str, flags: int = MNT_DETACH) -> None:
    """umount2(2)."""
    _checked(f"unmount {target}", _libc.umount2(_text(target), flags))


def unshare(flags: int) -> None:
    """unshare(2)."""
    _checked(f"unshare {flags:#x}", _libc.unshare(flags))


def setns(fd: int, kind: int) -> None:
    """setns(2)."""
    _checked(f"setns {kind:#x}", _libc.setns(fd, kind))


def sethostname(name: str) -> None:
    """sethostname(2)."""
    _checked("sethostname", _libc.sethostname(_text(name), len(name)))


def pivot_root_here() -> None:
    """Make the current directory the root and let go of the old one."""
    _syscall("pivot_root", _PIVOT_ROOT[os.uname().machine], b".", b".")
    unmount(".")
    os.chdir("/")


def open_tree(path: str, *, recursive: bool = False) -> int:
    """A detached copy of the mount at `path`, as a descriptor."""
    flags = _OPEN_TREE_CLONE | _CLOEXEC | (_AT_RECURSIVE if recursive else 0)
    return _syscall(f"open_tree {path}", _OPEN_TREE, _AT_FDCWD, _text(path), ctypes.c_uint(flags))


def set_mount_attributes(mount_fd: int, attributes: int, userns_fd: int | None = None) -> None:
    """mount_setattr(2) on a detached mount; with `userns_fd` the mount is idmapped into that namespace."""
    idmap = MOUNT_ATTR_IDMAP if userns_fd is not None else 0
    arguments = struct.pack("QQQQ", attributes | idmap, 0, 0, userns_fd or 0)
    _syscall("mount_setattr", _MOUNT_SETATTR, mount_fd, b"", _AT_EMPTY_PATH, arguments, ctypes.c_size_t(32))


def move_mount(mount_fd: int, target: str) -> None:
    """Attach a detached mount at `target`."""
    flags = ctypes.c_uint(_MOVE_MOUNT_F_EMPTY_PATH)
    _syscall(f"move_mount to {target}", _MOVE_MOUNT, mount_fd, b"", _AT_FDCWD, _text(target), flags)


def new_mount(kind: str, options: dict[str, str], flags: tuple[str, ...], attributes: int) -> int:
    """A detached mount of a new file system, as a descriptor: nothing shows in the host's mount table."""
    context = _syscall(f"fsopen {kind}", _FSOPEN, _text(kind), _FSOPEN_CLOEXEC)
    try:
        for name, value in options.items():
            _syscall(f"fsconfig {name}", _FSCONFIG, context, _FSCONFIG_SET_STRING, _text(name), _text(value), 0)
        for name in flags:
            _syscall(f"fsconfig {name}", _FSCONFIG, context, _FSCONFIG_SET_FLAG, _text(name), None, 0)
        _syscall(f"mount {kind}", _FSCONFIG, context, _FSCONFIG_CMD_CREATE, None, None, 0)
        return _syscall("fsmount", _FSMOUNT, context, _FSMOUNT_CLOEXEC, attributes)
    finally:
        os.close(context)


def prctl(option: int, value: int = 0, pointer: Any = 0) -> None:
    """prctl(2), with the unused arguments zero."""
    zero = ctypes.c_ulong(0)
    third = ctypes.c_ulong(0) if pointer == 0 else pointer
    _checked(f"prctl {option}", _libc.prctl(option, ctypes.c_ulong(value), third, zero, zero))


def set_capabilities(mask: int) -> None:
    """Make `mask` the permitted and effective capabilities, and nothing inheritable."""
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    low, high = mask & 0xFFFFFFFF, mask >> 32
    _checked("capset", _libc.capset(header, struct.pack("IIIIII", low, low, 0, high, high, 0)))


def install_filter(program: bytes) -> None:
    """Install a seccomp filter: BPF instructions of eight bytes each."""
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(buffer))
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.c_char_p(header))
