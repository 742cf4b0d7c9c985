"""The launcher: one process, told what to do in packets; a bad one costs nothing, a failed birth leaves nothing."""

import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from tests.environment import claim_ids
from tests.waiting import until
from tests.world import loops_below, pids, uid_of

from cove.core.account import ID_RANGE
from cove.core.errors import SandboxNotCreated
from cove.core.ids import ImageId, SessionId
from cove.core.image import Image
from cove.core.limits import MIB, Limits
from cove.core.ports import SandboxSpec
from cove.node.blueprint import Blueprints
from cove.node.cgroups import Group, find_hierarchies, remove_instance
from cove.node.disks import copy_sparse
from cove.node.launcher.client import Launcher
from cove.node.launcher.lock_down import CONTROLS
from cove.node.launcher.orders import Answer, Bind, Listen, Order, Overlay
from cove.node.settings import NodeSettings

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]
FIRST_ID = claim_ids()
SPEC = SandboxSpec(
    session_id=SessionId("s-1"), image=Image(id=ImageId("host")), limits=Limits(disk_bytes=64 * MIB), slot=0
)
NO_PROCESS = 2**22 + 1
"""One more than the largest process id that Linux ever gives."""


# the process by itself


class Process:
    """A launcher of the test's own, and the node's end of its control socket."""

    def __init__(self) -> None:
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.settimeout(60)
        command = [sys.executable, "-I", "-m", "cove.node.launcher.process", str(theirs.fileno())]
        self.child = subprocess.Popen(command, pass_fds=[theirs.fileno()])
        theirs.close()

    def ask(self, packet: bytes) -> Answer:
        self.control.send(packet)
        return msgspec.json.decode(self.control.recv(65536), type=Answer)

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.child.pid}/fd"))


@pytest.fixture
def process() -> Iterator[Process]:
    process = Process()
    yield process
    process.control.close()
    assert process.child.wait(timeout=30) == 0, "it ends when the node hangs up"


GARBAGE = {
    "no JSON": b"\xff\x00garbage",
    "half a packet": b'{"type":"Order","session_id":"s-1"',
    "another kind": b'{"type":"Reboot"}',
    "fields missing": b'{"type":"Order"}',
    "a wrong type": b'{"type":"Listen","pid":"many"}',
    "very deep": b'{"type":"Listen","pid":1,"more":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "not even text": bytes(range(256)),
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_garbage_is_refused_with_a_reason_and_the_launcher_lives_on(process: Process, kind: str) -> None:
    for _ in range(2):
        answer = process.ask(GARBAGE[kind])
        assert (answer.step, bool(answer.reason), answer.pid) == ("read the order", True, 0)
    alive = process.ask(msgspec.json.encode(Listen(pid=NO_PROCESS)))
    assert alive.step == "launch"
    assert str(NO_PROCESS) in alive.reason


def test_refused_order_leaves_no_descriptor_and_no_child(process: Process, tmp_path: Path) -> None:
    directory = tmp_path / "sandbox"
    directory.mkdir()
    good = plain_order(directory)
    bad = {
        "no directory": msgspec.structs.replace(good, directory=str(tmp_path / "missing")),
        "a NUL": msgspec.structs.replace(good, directory="/tmp/a\0b"),
        "no group to be born in": msgspec.structs.replace(good, born_in=str(tmp_path / "missing")),
    }
    process.ask(msgspec.json.encode(Listen(pid=NO_PROCESS)))
    before = process.descriptors()
    for name, order in bad.items():
        answer = process.ask(msgspec.json.encode(order))
        assert (answer.step, answer.pid) == ("launch", 0), name
        assert answer.reason
    assert process.descriptors() == before
    assert Path(f"/proc/{process.child.pid}/task/{process.child.pid}/children").read_text() == ""


def plain_order(directory: Path) -> Order:
    """An order that would fail at its first mount."""
    return Order(
        session_id="s-1",
        directory=str(directory),
        first_id=FIRST_ID,
        overlays=[Overlay("root", ["/nowhere"], "/")],
        binds=[],
        runtime="/nowhere",
        argv=["/nowhere"],
        hostname="s-1",
        born_in=None,
        join=[],
        work_files=[],
        relay_port=None,
        controls=[],
        shm_bytes=0,
    )


# births that fail


class Place:
    """Where sandboxes would be born."""

    def __init__(self, data: Path) -> None:
        self.instance = f"test-{secrets.token_hex(4)}"
        self.hierarchies = find_hierarchies()
        cache = Path(os.environ["COVE_CACHE"])
        self.settings = NodeSettings(data_dir=data, cache_dir=cache, instance=self.instance, first_uid=FIRST_ID)
        self.settings.sandboxes.mkdir()
        self.blueprints = Blueprints(self.settings, CONTROLS)
        self.group = Group(self.hierarchies, self.instance, SPEC.session_id)
        self.directory = self.settings.sandboxes / SPEC.session_id

    def lay_out(self) -> Order:
        self.directory.mkdir()
        copy_sparse(self.blueprints.template(SPEC.limits.disk_bytes), self.directory / "disk.img")
        self.group.create(SPEC.limits)
        return self.blueprints.order(SPEC, self.group)

    def clear(self) -> None:
        self.group.remove()
        for path in self.directory.iterdir():
            path.unlink()
        self.directory.rmdir()

    def leftovers(self) -> list[str]:
        """Processes with ids of the sandbox, and loop devices on its disk."""
        disks = loops_below(self.directory)
        return [*disks, *(str(pid) for pid in processes_of(FIRST_ID)), *(str(pid) for pid in self.group.members())]


def processes_of(first_id: int) -> list[int]:
    ids = range(first_id, first_id + ID_RANGE)
    return [pid for pid in pids() if uid_of(pid) in ids]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = Place(tmp_path_factory.mktemp("node"))
    yield place
    remove_instance(place.hierarchies, place.instance)


FAULTS: dict[str, Callable[[Order], Order]] = {
    "make a user namespace": lambda order: msgspec.structs.replace(order, first_id=2**32 - 10),
    "prepare mounts": lambda order: msgspec.structs.replace(order, runtime="/nowhere/at/all"),
    "join control groups": lambda order: msgspec.structs.replace(order, join=["/sys/fs/cgroup/nowhere/tasks"]),
    "mount the root": lambda order: msgspec.structs.replace(order, binds=[Bind("/usr", "/etc/passwd")]),
    "set up the network": lambda order: msgspec.structs.replace(order, relay_port=70_000),
    "enter the root": lambda order: msgspec.structs.replace(order, hostname="h" * 65),
    "start the guest": lambda order: msgspec.structs.replace(order, argv=["/nowhere/python"]),
}


@pytest.mark.parametrize("step", FAULTS)
async def test_failed_birth_names_its_step_and_leaves_nothing(place: Place, step: str) -> None:
    launcher, order = Launcher(), place.lay_out()
    try:
        with pytest.raises(SandboxNotCreated, match=f"at step '{step}'") as failure:
            await launcher.create(FAULTS[step](order))
        assert failure.value.facts["reason"]
        assert "cove doctor" in str(failure.value)
        until(lambda: not place.leftovers(), "nothing is left")
        pid, pidfd = await launcher.create(order)  # and the same launcher makes the same sandbox from the right order
        assert pid in place.group.members()
        os.close(pidfd)
    finally:
        place.clear()
        await launcher.close()
    until(lambda: not place.leftovers(), "the sandbox is gone")


async def test_sandbox_outlives_its_launcher(place: Place) -> None:
    launcher = Launcher()
    pid, pidfd = await launcher.create(place.lay_out())
    await launcher.close()
    try:
        signal.pidfd_send_signal(pidfd, 0)
        assert pid in place.group.members()
    finally:
        os.close(pidfd)
        place.clear()


async def test_missing_disk_is_named(place: Place) -> None:
    launcher, order = Launcher(), place.lay_out()
    (place.directory / "disk.img").unlink()
    try:
        with pytest.raises(SandboxNotCreated, match=r"disk\.img"):
            await launcher.create(order)
    finally:
        place.clear()
        await launcher.close()
