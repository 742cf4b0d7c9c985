"""What can be seen of a session from outside, and of one session from another."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.waiting import until

from cove.core.account import ID_RANGE

from .attacks import FOURTEEN
from .conftest import Loot
from .running import Inside, Running, field, open_files

pytestmark = pytest.mark.isolation
MOST_PROCESSES_OF_A_CALL = 3
SLEEPER = "exec -a {name} sleep 1000 >/dev/null 2>&1 &"
INSIDE_ONLY = re.compile(r"/dev/null|(socket|pipe):\[\d+\]|anon_inode:\[(eventpoll|eventfd|pidfd)\]")
WORK_GROUP = re.compile(r"/sys/fs/cgroup/.*/work/(tasks|cgroup\.procs)")


@pytest.fixture
def secretive(cove: Running, loot: Loot) -> Iterator[Inside]:
    """A session with a process and files that others would like to have."""
    with cove.session() as inside:
        inside.run(f"mkdir -p /var/tmp/next && echo {loot.token}-next > /var/tmp/next/{loot.token}-next")
        inside.run(SLEEPER.format(name=f"{loot.token}-next"))
        until(lambda: (named_so(inside, f"{loot.token}-next"), len(inside.members())) == (True, 3), "it sleeps, alone")
        yield inside


def named_so(inside: Inside, name: str) -> bool:
    """Whether one of its processes calls itself so; the shell that is to become it only speaks of it."""
    with suppress(OSError):  # one that has just ended
        return any(Path(f"/proc/{pid}/cmdline").read_text().startswith(f"{name}\0") for pid in inside.members())
    return False


@pytest.mark.claim("neighbours")
@pytest.mark.parametrize(
    "attack", ["views.find_name", "views.find_content", "views.find_in_processes cmdline"], ids=lambda name: name
)
def test_session_finds_nothing_of_another(attack: str, walled: Inside, secretive: Inside, loot: Loot) -> None:
    name, *arguments = attack.split()
    places = ["/var"] if name.endswith("content") else []
    words = [*arguments, f"{loot.token}-next", *places]
    assert not walled.attack(name, *words, user="root").breached
    assert secretive.attack(name, *words, user="root").breached


@pytest.mark.claim("neighbours")
def test_session_cannot_signal_anothers_process(walled: Inside, secretive: Inside) -> None:
    (pid,) = (pid for pid in secretive.members() if "-next" in Path(f"/proc/{pid}/cmdline").read_text())
    inner = field(pid, "NSpid").split()[-1]
    assert not walled.attack("views.signal_process", str(pid), "-next", user="root").breached
    assert secretive.attack("views.signal_process", inner, "-next", user="root").breached


@pytest.mark.claim("neighbours")
def test_session_reaches_no_port_of_another(walled: Inside, secretive: Inside) -> None:
    secretive.attack("makes.serve", "7000")
    assert not walled.attack("views.connect_tcp", "127.0.0.1", "7000", user="root").breached
    assert secretive.attack("views.connect_tcp", "127.0.0.1", "7000").breached


@pytest.mark.claim("neighbours")
def test_sessions_have_user_ids_of_their_own(cove: Running, walled: Inside, secretive: Inside) -> None:
    starts = []
    for inside in (walled, secretive):
        inner, outer, count = Path(f"/proc/{inside.first_process()}/uid_map").read_text().split()
        assert (inner, count) == ("0", str(ID_RANGE))
        owners = {int(field(pid, "Uid").split()[0]) for pid in inside.members()}
        assert all(int(outer) <= owner < int(outer) + ID_RANGE for owner in owners)
        starts.append(int(outer))
    assert abs(starts[0] - starts[1]) >= ID_RANGE
    assert min(starts) >= cove.first_uid


@pytest.mark.claim("neighbours")
def test_sessions_share_no_namespace_with_each_other_or_the_host(walled: Inside, secretive: Inside) -> None:
    kinds = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")
    processes = (str(walled.first_process()), str(secretive.first_process()), "self")
    for kind in kinds:
        assert len({os.readlink(f"/proc/{pid}/ns/{kind}") for pid in processes}) == 3, kind


@pytest.mark.claim("processes")
def test_session_sees_exactly_its_own_processes(secretive: Inside) -> None:
    lasting = {field(pid, "NSpid").split()[-1] for pid in secretive.members()}
    listed = set(secretive.attack("views.list_processes", user="root").told)
    assert lasting <= listed
    assert len(listed - lasting) <= MOST_PROCESSES_OF_A_CALL


@pytest.mark.claim("no-new-privileges")
@pytest.mark.claim("capabilities")
@pytest.mark.parametrize("user", ["wuying", "root"])
def test_every_process_is_behind_filter_and_capabilities(user: str, inside: Inside) -> None:
    inside.run("sleep 1000 >/dev/null 2>&1 &", user=user)
    members = until(lambda: len(found := inside.members()) == 3 and found, "pid 1, the guest and the sleeper are left")
    for pid in members:
        assert (field(pid, "Seccomp"), field(pid, "NoNewPrivs")) == ("2", "1")
        assert {int(field(pid, name), 16) for name in ("CapBnd", "CapInh", "CapAmb")} == {int(FOURTEEN, 16), 0}
        assert int(field(pid, "CapEff"), 16) in (int(FOURTEEN, 16), 0)


@pytest.mark.claim("descriptors")
def test_first_process_and_guest_have_no_other_descriptors(walled: Inside) -> None:
    walled.run("true")
    for pid in walled.members():
        targets = open_files(pid)
        assert [t for t in targets if not INSIDE_ONLY.fullmatch(t) and not WORK_GROUP.fullmatch(t)] == []
        assert sum(bool(WORK_GROUP.fullmatch(target)) for target in targets) <= 1


@pytest.mark.claim("descriptors")
def test_server_has_descriptors_worth_having(cove: Running) -> None:
    """The contrast to the test above: what a fork of the server would have inherited."""
    until(lambda: any(target.endswith("cove.db") for target in open_files(cove.process.pid)), "the store is open")


@pytest.mark.claim("environment")
def test_first_process_has_only_a_path_in_its_environment(walled: Inside, cove: Running, loot: Loot) -> None:
    environ = Path(f"/proc/{walled.first_process()}/environ").read_bytes()
    assert [entry.partition(b"=")[0] for entry in environ.split(b"\0") if entry] == [b"PATH"]
    assert loot.token in Path(f"/proc/{cove.process.pid}/environ").read_text()


@pytest.mark.claim("processes")
@pytest.mark.parametrize("way", ["kill -9 1", "kill -9 -1"])
def test_first_process_survives_every_kill_from_inside(way: str, inside: Inside) -> None:
    first = inside.first_process()
    inside.try_to_run(way, user="root")
    assert inside.run("echo well") == "well\n"
    assert inside.first_process() == first
