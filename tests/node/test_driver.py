"""The namespaces driver as the server sees it: what it makes it can find again, and what it ends is gone."""

import asyncio
import os
import secrets
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.environment import claim_ids
from tests.world import descriptors, loops_below

from cove.core.errors import CallNotFound, SandboxGone, SandboxNotCreated
from cove.core.ids import CallId, ImageId, SessionId
from cove.core.image import Image
from cove.core.limits import MIB, Limits
from cove.core.network import NetworkPolicy
from cove.core.ports import SandboxSpec
from cove.core.results import Metrics
from cove.core.session import EndReason
from cove.node.cgroups import find_hierarchies, session_names
from cove.node.drivers.namespaces import NamespacesDriver
from cove.node.settings import NodeSettings

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]
ONE, TWO = SessionId("s-1"), SessionId("s-2")
SECONDS = 40
LIMITS = Limits(disk_bytes=64 * MIB, memory_bytes=256 * MIB, cpus=1)


class Node:
    """A driver that can be let go of and made anew, as by a server that is started again."""

    def __init__(self, data: Path) -> None:
        name = f"test-{secrets.token_hex(4)}"
        cache = Path(os.environ["COVE_CACHE"])
        self.settings = NodeSettings(data_dir=data, cache_dir=cache, instance=name, first_uid=claim_ids())
        self.lost: list[tuple[SessionId, EndReason]] = []

    @asynccontextmanager
    async def driver(self, *, keep: bool = False) -> AsyncIterator[NamespacesDriver]:
        driver = NamespacesDriver(self.settings)
        await driver.start(self._on_lost)
        try:
            yield driver
        finally:
            for session_id in () if keep else await driver.known():
                await driver.destroy(session_id)
            await driver.stop()

    async def _on_lost(self, session_id: SessionId, reason: EndReason) -> None:
        self.lost.append((session_id, reason))

    def traces(self) -> list[str]:
        """What is left of any sandbox: directories, control groups, loop devices."""
        groups = session_names(find_hierarchies(), self.settings.instance)
        disks = loops_below(self.settings.data_dir)
        return [*groups, *disks, *(path.name for path in self.settings.sandboxes.iterdir())]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    return Node(tmp_path_factory.mktemp("node"))


def spec(session_id: SessionId = ONE, *, slot: int = 0, image: Image | None = None) -> SandboxSpec:
    return SandboxSpec(session_id=session_id, image=image or Image(id=ImageId("host")), limits=LIMITS, slot=slot)


async def shell(driver: NamespacesDriver, command: str, session_id: SessionId = ONE, **arguments: Any) -> str:
    call_id = CallId(secrets.token_hex(4))
    outcome = await driver.call(session_id, call_id, "shell", {"command": command, **arguments})
    assert outcome.structured is not None, outcome
    return str(outcome.structured["stdout"])


async def until(condition: Callable[[], object], what: str) -> None:
    try:
        async with asyncio.timeout(SECONDS):
            while not condition():  # noqa: ASYNC110 - the kernel tells nobody
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"not within {SECONDS} s: {what}") from None


async def test_sandbox_answers_and_leaves_nothing_when_it_is_destroyed(node: Node) -> None:
    async with node.driver() as driver:
        facts = await driver.create(spec())
        assert await shell(driver, "id -un; hostname") == "wuying\ns-1\n"
        assert facts["pid"] > 1
        assert await driver.known() == {ONE}
        await driver.destroy(ONE)
        assert await driver.known() == set()
        await until(lambda: not node.traces(), "nothing is left")


async def test_driver_tells_which_content_an_image_has(node: Node, tmp_path: Path) -> None:
    async with node.driver() as driver:
        host = await driver.fingerprint(Image(id=ImageId("host")))
        assert (node.settings.cache / "images" / host / "root").is_dir()
        (tmp_path / "etc").mkdir()
        brought = Image(id=ImageId("mine"), root=str(tmp_path))
        first = await driver.fingerprint(brought)
        (tmp_path / "etc/motd").write_text("changed")
        assert await driver.fingerprint(brought) != first


async def test_destroying_what_is_not_there_is_done_already(node: Node) -> None:
    async with node.driver() as driver:
        await driver.destroy(SessionId("s-never"))


async def test_failed_creation_leaves_nothing(node: Node) -> None:
    async with node.driver() as driver:
        with pytest.raises(SandboxNotCreated, match="nowhere"):
            await driver.create(spec(image=Image(id=ImageId("odd"), root="/nowhere/at/all")))
        assert await driver.known() == set()
        await until(lambda: not node.traces(), "nothing is left")


async def test_half_made_sandbox_is_known_and_can_be_destroyed(node: Node) -> None:
    async with node.driver() as driver:
        half_made = node.settings.sandboxes / ONE
        half_made.mkdir()
        assert await driver.known() == {ONE}
        await driver.destroy(ONE)
        assert not half_made.exists()


async def test_next_driver_adopts_what_the_last_one_made(node: Node) -> None:
    async with node.driver(keep=True) as driver:
        facts = await driver.create(spec())
        await shell(driver, "echo kept >file")
    async with node.driver() as driver:
        assert await driver.known() == {ONE}
        with pytest.raises(SandboxGone):
            await shell(driver, "true")  # not adopted yet
        await driver.adopt(ONE, facts)
        assert await shell(driver, "cat file") == "kept\n"


WRONG_FACTS: dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], str]] = {
    "another boot": (lambda facts: facts | {"boot_id": "of yesterday"}, "reboot"),
    "another process with the number": (lambda facts: facts | {"start_time": "1"}, "lost"),
    "a process that is not ours": (lambda facts: facts | {"pid": os.getpid()}, "lost"),
    "no such process": (lambda facts: facts | {"pid": 2**22 + 1}, "lost"),
    "no process": (lambda facts: {"boot_id": facts["boot_id"]}, "lost"),
    "garbage": (lambda facts: facts | {"pid": "many"}, "lost"),
}


@pytest.mark.parametrize("kind", WRONG_FACTS)
async def test_sandbox_that_is_not_the_one_is_not_adopted(node: Node, kind: str) -> None:
    change, reason = WRONG_FACTS[kind]
    async with node.driver(keep=True) as driver:
        facts = await driver.create(spec())
    async with node.driver() as driver:
        before = descriptors(os.getpid())
        with pytest.raises(SandboxGone) as failure:
            await driver.adopt(ONE, change(facts))
        assert failure.value.facts["end_reason"] == reason
        assert not descriptors(os.getpid()) - before


async def test_paused_sandbox_is_adopted_as_it_is(node: Node) -> None:
    async with node.driver(keep=True) as driver:
        facts = await driver.create(spec())
        await driver.pause(ONE)
    async with node.driver() as driver:
        await driver.adopt(ONE, facts)
        await driver.pause(ONE)  # again, as a server does that was killed before it wrote it down
        await driver.resume(ONE)
        assert await shell(driver, "echo awake") == "awake\n"


async def test_call_to_a_paused_sandbox_ends_after_the_resume(node: Node) -> None:
    async with node.driver() as driver:
        await driver.create(spec())
        await driver.pause(ONE)
        call = asyncio.ensure_future(shell(driver, "echo at last"))
        done, _ = await asyncio.wait({call}, timeout=0.1)
        assert not done
        await driver.resume(ONE)
        assert await call == "at last\n"


async def test_killed_sandbox_is_told_of_once_and_cleared_up(node: Node) -> None:
    node.lost.clear()
    async with node.driver() as driver:
        facts = await driver.create(spec())
        await driver.create(spec(TWO, slot=1))
        os.kill(facts["pid"], signal.SIGKILL)
        await until(lambda: node.lost, "it is told")
        assert node.lost == [(ONE, EndReason.LOST)]
        assert await driver.known() == {TWO}
        with pytest.raises(SandboxGone):
            await shell(driver, "true")
        assert await shell(driver, "echo here", TWO) == "here\n"


async def test_destroyed_sandbox_is_not_told_of(node: Node) -> None:
    node.lost.clear()
    async with node.driver() as driver:
        await driver.create(spec())
        await driver.destroy(ONE)
    assert node.lost == []


async def test_creations_and_ends_at_once_do_not_disturb_each_other(node: Node) -> None:
    names = [SessionId(f"s-{number}") for number in range(8)]
    async with node.driver() as driver:
        await asyncio.gather(*(driver.create(spec(name, slot=slot)) for slot, name in enumerate(names)))
        assert await asyncio.gather(*(shell(driver, "hostname", name) for name in names)) == [
            f"{name}\n" for name in names
        ]
        await asyncio.gather(*(driver.destroy(name) for name in names[:4]))
        assert await driver.known() == set(names[4:])


HOLD_AND_SPIN = "head -c 100M /dev/zero >/dev/shm/held; while [ ! -e enough ]; do :; done"


async def test_metrics_are_those_of_the_sandbox(node: Node) -> None:
    async with node.driver() as driver:
        await driver.create(spec())
        await shell(driver, "head -c 20000000 /dev/urandom >file; sync file")
        busy = asyncio.ensure_future(shell(driver, HOLD_AND_SPIN))
        found = await metrics_once(driver, lambda now: now.mem_used > 100 * MIB and now.cpu_used_pct > 1)
        assert (found.cpu_count, found.mem_total, found.disk_total) == (1, 256 * MIB, 64 * MIB)
        assert 100 * MIB < found.mem_used < 256 * MIB
        assert 20_000_000 < found.disk_used < 64 * MIB
        await shell(driver, "touch enough; rm /dev/shm/held")
        await busy
        await metrics_once(driver, lambda now: now.mem_used < 100 * MIB)


async def metrics_once(driver: NamespacesDriver, condition: Callable[[Metrics], bool]) -> Metrics:
    """The first of which that is so."""
    try:
        async with asyncio.timeout(SECONDS):
            while not condition(found := await driver.metrics(ONE)):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"not within {SECONDS} s; the last: {found}") from None
    return found


async def test_crash_inside_is_handed_to_no_program_outside(node: Node) -> None:
    """A core limit of 1 is the one that the kernel does not hand to a core_pattern that is a pipe."""
    async with node.driver() as driver:
        await driver.create(spec())
        assert (await shell(driver, "grep 'core file' /proc/self/limits")).split()[4:6] == ["1", "1"]


async def test_call_that_does_not_run_cannot_be_cancelled(node: Node) -> None:
    async with node.driver() as driver:
        for session_id in (ONE, TWO):
            if session_id == ONE:
                await driver.create(spec())
                await shell(driver, "true")  # the guest is up
            with pytest.raises(CallNotFound):
                await driver.cancel(session_id, CallId("none"))


async def test_driver_says_what_it_gives(node: Node) -> None:
    found = NamespacesDriver(node.settings).isolation()
    assert found.driver == "namespaces"
    assert all(found.controls.values())
    assert any(find_hierarchies().kind in note for note in found.notes)


DIAL = "(exec 3<>/dev/tcp/10.9.9.9/80; cat <&3) 2>/dev/null; true"


async def test_adopted_sandbox_reaches_nothing_until_its_network_is_set(node: Node) -> None:
    async with node.driver(keep=True) as driver:
        facts = await driver.create(spec())
        assert await refusals(driver) == ["not public"]
    async with node.driver() as driver:
        await driver.adopt(ONE, facts)
        assert await refusals(driver) == ["not allowed"]
        await driver.set_network(ONE, NetworkPolicy())
        assert await refusals(driver) == ["not allowed", "not public"]
        assert [line.number for line in await driver.connections(ONE, 1)] == [2]
        for asked in (driver.set_network(TWO, NetworkPolicy()), driver.connections(TWO, 0)):
            with pytest.raises(SandboxGone):
                await asked


async def refusals(driver: NamespacesDriver) -> list[str]:
    """Why connections were refused, after one more that is."""
    await shell(driver, DIAL)
    return [line.reason for line in await driver.connections(ONE, 0)]
