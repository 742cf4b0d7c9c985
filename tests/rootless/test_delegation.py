"""Where a control group is delegated to the user, it freezes and ends his sandboxes, and counts for what it can."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.waiting import until

from cove.node.cgroups import find_hierarchies

from .ordinary import OrdinaryUser
from .serving import OrdinaryServer

FILES = ("cgroup.procs", "cgroup.subtree_control", "cgroup.threads")


@pytest.fixture
def delegated(ordinary: OrdinaryUser) -> Iterator[Path]:
    """A group that belongs to the user, as a service manager makes one."""
    v2 = find_hierarchies().v2
    if v2 is None:
        pytest.skip("needs control groups of version 2")
    place = v2 / f"cove-delegated-{ordinary.name}"
    place.mkdir()
    for file in (place, *(place / name for name in FILES)):
        os.chown(file, ordinary.uid, ordinary.gid)
    yield place

    def is_removed() -> bool:
        """Not while whoever was in it ends."""
        for group, _, _ in os.walk(place, topdown=False):
            with suppress(OSError):
                os.rmdir(group)
        return not place.exists()

    until(is_removed, "the delegated group is empty")


def test_group_freezes_and_ends_what_is_in_it(ordinary: OrdinaryUser, delegated: Path) -> None:
    server = OrdinaryServer(ordinary)
    server.joined = delegated
    try:
        server.up()
        with server.client() as bay:
            assert not any("by a signal" in note for note in bay.server.capabilities().isolation.notes)
            inside = bay.create().unwrap()
            group = next(delegated.glob(f"cove-*/{inside.session_id}"))
            inside.command.run("nohup sleep 1000 >/dev/null 2>&1 &").unwrap()
            inside.pause().unwrap()
            assert "frozen 1" in (group / "cgroup.events").read_text()
            server.kill()
            server.up()
            again = bay.get(inside.session_id).unwrap()
            again.resume().unwrap()
            until(lambda: "frozen 0" in (group / "cgroup.events").read_text(), "it goes on")
            assert again.command.run("echo awake").unwrap() == "awake\n"
            assert again.get_metrics().unwrap().mem_used > 0
            again.delete().unwrap()
            until(lambda: not group.exists(), "the group is gone")
    finally:
        server.close()


def test_sandbox_of_a_delegated_group_is_found_by_a_server_without_one(ordinary: OrdinaryUser, delegated: Path) -> None:
    server = OrdinaryServer(ordinary)
    server.joined = delegated
    try:
        server.up()
        with server.client() as bay:
            inside = bay.create().unwrap()
            server.kill()
            server.joined = None
            server.up()
            assert bay.get(inside.session_id).unwrap().command.run("echo here").unwrap() == "here\n"
            bay.get(inside.session_id).unwrap().delete().unwrap()
            until(lambda: not list(delegated.glob("cove-*/s-*")), "the group is gone")
    finally:
        server.close()


def test_a_session_is_a_session_there(ordinary: OrdinaryUser, delegated: Path) -> None:
    server = OrdinaryServer(ordinary)
    server.joined = delegated
    try:
        server.up()
        with server.client() as bay, bay.open(limits={"pids": 32}) as inside:
            assert inside.command.run("id -un", user="root").unwrap() == "root\n"
    finally:
        server.close()
