"""The attacks that one program makes, as a table: who tries what, and which wall is in the way.

Each is made twice: behind every wall, where it must come to nothing, and where its one wall is not, which shows that it
could succeed. `control` is the wall that a session can be made without; walls that cannot be left out are not there on
the HOST itself.
"""

import os

import msgspec

from .running import SETUID_PROGRAM

HOST = "host"
FOURTEEN = "a80425fb"
"""The capabilities that Docker leaves its containers, as a mask."""
PACKET, RAW = "17", "3"
PLACES = ("/etc", "/root", "/home", "/var", "/usr/local", "/run", "/tmp", "/opt", "/srv")


class Attack(msgspec.Struct, frozen=True):
    """`does` is MODULE.FUNCTION of inside/; `arguments` may name facts of the host, `on_host` those used there."""

    name: str
    claim: str
    control: str
    does: str
    arguments: tuple[str, ...] = ()
    user: str = "wuying"
    on_host: tuple[str, ...] | None = None


FOREIGN_CALLS = (
    Attack("a call is made as x32", "foreign-calls", "seccomp", "kernel.x32_call"),
    Attack("a call is made as i386", "foreign-calls", "seccomp", "kernel.i386_call"),
)[: 2 if os.uname().machine == "x86_64" else 0]
ATTACKS = (
    Attack("unshare makes a user namespace", "namespaces", "seccomp", "kernel.unshare_user"),
    Attack("root unshares a user namespace", "namespaces", "seccomp", "kernel.unshare_user", user="root"),
    Attack("clone makes a user namespace", "namespaces", "seccomp", "kernel.clone_user"),
    Attack("clone3 makes a user namespace", "namespaces", "seccomp", "kernel.clone3_user"),
    Attack("a tmpfs is mounted", "namespaces", "seccomp", "kernel.mount_tmpfs"),
    Attack("a tmpfs is mounted with the newer calls", "namespaces", "seccomp", "kernel.mount_tmpfs_anew"),
    Attack("the control groups are mounted", "sys", "seccomp", "kernel.mount_cgroups"),
    Attack("a key is added to the kernel's", "system-calls", "seccomp", "kernel.add_key"),
    Attack("the session keyring is found", "system-calls", "seccomp", "kernel.read_keyring"),
    Attack("an io_uring is made", "system-calls", "seccomp", "kernel.io_uring"),
    Attack("page faults are handled", "system-calls", "seccomp", "kernel.userfaultfd"),
    *FOREIGN_CALLS,
    Attack("a packet socket is made", "sockets", "seccomp", "kernel.make_socket", (PACKET, RAW), "root"),
    Attack("input is put into a terminal", "terminals", "seccomp", "kernel.feed_terminal"),
    Attack("root has more capabilities", "capabilities", "capabilities", "rights.bounding_set", (FOURTEEN,), "root"),
    Attack("root names the machine", "capabilities", "capabilities", "rights.rename_machine", user="root"),
    Attack(
        "a setuid program of root runs", "no-new-privileges", "no_new_privs", "rights.run_setuid_program",
        (SETUID_PROGRAM,),
    ),
    Attack(
        "root sets how large messages may be", "proc", "masks", "views.open_to_write",
        ("/proc/sys/kernel/msgmax",), "root",
    ),
    Attack(
        "root sets how packets are sent", "proc", HOST, "views.open_to_write",
        ("/proc/sys/net/ipv4/ip_default_ttl",), "root",
    ),
    Attack(
        "root sets where the kernel dumps programs", "proc", HOST, "views.open_to_write",
        ("/proc/sys/kernel/core_pattern",), "root",
    ),
    Attack("/sys is listed", "sys", HOST, "views.list_directory", ("/sys",)),
    Attack("control groups are found", "sys", HOST, "views.find_cgroups", user="root"),
    Attack("other devices are found", "devices", HOST, "views.other_devices", user="root"),
    Attack("a disk's node is made", "devices", HOST, "rights.make_device", ("block", "7", "0"), "root"),
    Attack("a memory node is made", "devices", HOST, "rights.make_device", ("char", "1", "1"), "root"),
    Attack(
        "a secret is found by name", "files", HOST, "views.find_name", ("{token}",), "root",
        ("{token}", "/etc", "/usr/local/share"),
    ),
    Attack(
        "a secret is found by content", "files", HOST, "views.find_content", ("{token}", *PLACES), "root",
        ("{token}", "/etc", "/usr/local/share"),
    ),
    Attack("a secret is read by path", "files", HOST, "views.read_paths", ("{token}", "{secrets}"), "root"),
    Attack("this project is listed", "files", HOST, "views.list_directory", ("{checkout}",), "root"),
    Attack("the server's data is listed", "files", HOST, "views.list_directory", ("{data}",), "root"),
    Attack(
        "host paths are seen in the mount table", "mounts", HOST, "views.mounts_naming",
        ("{data}", "{checkout}", "/sys/fs/cgroup", "/boot", "/home/"), "root",
    ),
    Attack(
        "a host's process is found", "processes", HOST, "views.find_in_processes", ("cmdline", "{token}"), "root"
    ),
    Attack("a host's process is signalled", "processes", HOST, "views.signal_process", ("{server}", "{token}"), "root"),
    Attack(
        "the server's environment is found", "environment", HOST, "views.find_in_processes", ("environ", "{token}"),
        "root",
    ),
    Attack(
        "the guest's code is changed", "runtime", HOST, "rights.change_tree", ("/run/cove/rt",), "root", ("{data}",)
    ),
    Attack("a socket of ours is found", "unix-sockets", HOST, "views.find_sockets", (), "root", ("{data}",)),
    Attack("the host's abstract socket is reached", "unix-sockets", HOST, "views.connect_abstract", ("{token}",)),
    Attack("the host's loopback is reached", "network", HOST, "views.connect_tcp", ("127.0.0.1", "{port}"), "root"),
    Attack("a name server is asked", "network", HOST, "views.ask_by_udp", ("{datagram_port}",)),
    Attack("another network interface is found", "network", HOST, "views.other_interfaces", user="root"),
)  # fmt: skip
