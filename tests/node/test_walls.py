"""The usual walls are told from what a machine's files say, and each has the one command that opens it."""

import os
import signal
from pathlib import Path

import pytest

from cove.node import ordinary_questions, syscalls, walls
from cove.node.children import in_child
from cove.node.delegation import Delegation
from cove.node.launcher.owners import make_user_namespace
from cove.node.questions import Lacking
from cove.node.subordinate_ids import LentIds, NoLentIds, lent_ids

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
USER = 54321
UBUNTU = "proc/sys/kernel/apparmor_restrict_unprivileged_userns"


def machine(root: Path, files: dict[str, str]) -> Path:
    """A root directory with these files in it."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({UBUNTU: "1\n"}, "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"),
        ({"proc/sys/user/max_user_namespaces": "0\n"}, "sudo sysctl -w user.max_user_namespaces=15000"),
        ({"proc/sys/kernel/unprivileged_userns_clone": "0"}, "sudo sysctl -w kernel.unprivileged_userns_clone=1"),
        ({UBUNTU: "0\n", ".dockerenv": ""}, "--security-opt seccomp=unconfined --security-opt systempaths=unconfined"),
        ({"run/.containerenv": 'engine="podman"'}, "--security-opt unmask=ALL"),
        ({"run/systemd/container": "lxc\n"}, "run `cove up` on the host instead of in this container"),
        ({"proc/sys/user/max_user_namespaces": "96343"}, "boot a kernel with CONFIG_USER_NS"),
    ],
)
def test_what_closes_user_namespaces_is_found_with_its_opener(
    files: dict[str, str], command: str, tmp_path: Path
) -> None:
    assert command in walls.opener_of_user_namespaces(machine(tmp_path, files))


def test_a_machine_that_is_no_container_is_told_to_be_none(tmp_path: Path) -> None:
    assert (walls.container(tmp_path), walls.opener_of_container(tmp_path)) == ("", "")


@pytest.mark.parametrize(
    ("pattern", "handler"),
    [("core", ""), ("/var/crash/core.%p", ""), ("|/usr/lib/systemd/systemd-coredump %P %u", "systemd-coredump")],
)
def test_a_core_pattern_that_is_a_pipe_is_found(pattern: str, handler: str, tmp_path: Path) -> None:
    root = machine(tmp_path, {"proc/sys/kernel/core_pattern": pattern + "\n"})
    assert walls.core_handler(root).endswith(handler)
    if handler:
        with pytest.raises(Lacking, match=handler) as lack:
            ordinary_questions.core_dumps(tmp_path, root)
        assert lack.value.unlock == "sudo sysctl -w kernel.core_pattern=core"
    else:
        assert "nobody" in ordinary_questions.core_dumps(tmp_path, root)


@pytest.fixture
def tools(tmp_path: Path) -> str:
    """Where the two setuid programs are."""
    for name in ("newuidmap", "newgidmap"):
        (tmp_path / name).touch(mode=0o755)
    return str(tmp_path)


def etc(root: Path, uids: str, gids: str) -> Path:
    return machine(root, {"etc/subuid": uids, "etc/subgid": gids})


def test_ids_are_lent_by_number_or_name_and_must_be_enough(tmp_path: Path, tools: str) -> None:
    root = etc(tmp_path, f"other:100000:65536\n{USER}:500:10\n{USER}:200000:65536\n", f"{USER}:300000:131072\n")
    assert lent_ids(root, uid=USER, tools=tools) == LentIds(uid=200_000, gid=300_000)


@pytest.mark.parametrize(
    ("uids", "gids", "file"),
    [
        ("other:100000:65536\n", f"{USER}:100000:65536\n", "/etc/subuid"),
        (f"{USER}:200000:65536\n", "", "/etc/subgid"),
        (f"{USER}:200000:1000\n", f"{USER}:200000:65536\n", "/etc/subuid"),
    ],
)
def test_missing_range_is_told_with_the_command_that_lends_one(
    uids: str, gids: str, file: str, tmp_path: Path, tools: str
) -> None:
    with pytest.raises(NoLentIds, match=file) as lack:
        lent_ids(etc(tmp_path, uids, gids), uid=USER, tools=tools)
    first = max(int(line.split(":")[1]) + int(line.split(":")[2]) for line in (uids + gids).split())
    span = f"{first}-{first + 65535}"
    assert lack.value.unlock == f"sudo usermod --add-subuids {span} --add-subgids {span} {USER}"


def test_missing_newuidmap_is_told_with_its_package(tmp_path: Path) -> None:
    root = etc(tmp_path, f"{USER}:200000:65536\n", f"{USER}:200000:65536\n")
    with pytest.raises(NoLentIds, match="newuidmap") as lack:
        lent_ids(root, uid=USER, tools=str(tmp_path))
    assert lack.value.unlock == "sudo apt-get install uidmap"


@needs_root
def test_exhausted_user_namespaces_are_really_found(tmp_path: Path) -> None:
    """In a user namespace of our own, whose root may close them for those within."""

    def ask() -> dict[str, object]:
        syscalls.setns(make_user_namespace(2_250_000_000), syscalls.CLONE_NEWUSER)
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
        syscalls.prctl(syscalls.PR_SET_DUMPABLE, 1)
        Path("/proc/sys/user/max_user_namespaces").write_text("0")
        try:
            return {"found": ordinary_questions.user_namespaces(tmp_path)}
        except Lacking as lack:
            return {"unlock": lack.unlock}

    assert in_child(ask, seconds=60) == {"unlock": "sudo sysctl -w user.max_user_namespaces=15000"}


@needs_root
def test_ordinary_users_questions_are_really_answered(tmp_path: Path) -> None:
    """By a user with one id, who has more than this to ask; see tests/rootless."""
    tmp_path.chmod(0o777)

    def ask() -> dict[str, object]:
        os.setgroups([])
        os.setresgid(USER, USER, USER)
        os.setresuid(USER, USER, USER)
        syscalls.prctl(syscalls.PR_SET_DUMPABLE, 1)
        signal.alarm(60)
        return {"found": ordinary_questions.user_namespaces(tmp_path)}

    assert in_child(ask, seconds=60) == {"found": "a user namespace can be made, and mounts in it"}


GROUP = ("cgroup.procs", "cgroup.subtree_control")


@pytest.mark.parametrize(
    ("controllers", "has_limits"), [("cpuset cpu io memory pids", True), ("memory pids", False), ("", False)]
)
def test_delegated_group_is_found_with_what_it_limits(controllers: str, has_limits: bool, tmp_path: Path) -> None:
    files = {"user.slice/app.scope/cgroup.controllers": controllers}
    machine(tmp_path, files | {f"user.slice/app.scope/{name}": "" for name in GROUP})
    found = Delegation.here("i", mounted=tmp_path, membership="1:name=systemd:/\n0::/user.slice/app.scope\n")
    assert (found.place, found.has_limits) == (tmp_path / "user.slice/app.scope", has_limits)


def test_group_without_files_of_ours_is_not_delegated(tmp_path: Path) -> None:
    machine(tmp_path, {"session.scope/cgroup.controllers": "memory cpu pids"})
    assert Delegation.here("i", mounted=tmp_path, membership="0::/session.scope\n").place is None


def test_server_put_into_a_group_of_its_own_finds_the_one_above(tmp_path: Path) -> None:
    machine(tmp_path, {"unit/cgroup.controllers": "memory cpu pids", "unit/cove-server/cgroup.procs": ""})
    machine(tmp_path, {f"unit/{name}": "" for name in GROUP})
    assert Delegation.here("i", mounted=tmp_path, membership="0::/unit/cove-server\n").place == tmp_path / "unit"
