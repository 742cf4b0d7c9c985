"""Sessions of an ordinary user's Cove do what sessions do, and say where they differ."""

import os
import signal
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.greeting import greeting, own_address
from tests.waiting import until

import cove

from .ordinary import OrdinaryUser
from .serving import Found, OrdinaryServer

MIB = 1024 * 1024
COUNT = "nohup sh -c 'i=0; while :; do i=$((i+1)); echo $i >> /tmp/count; sleep 0.02; done' >/dev/null 2>&1 & echo $!"
PACKAGE = r"""
mkdir -p /tmp/p/DEBIAN /tmp/p/usr/bin && cd /tmp/p
printf 'Package: greet\nVersion: 1\nArchitecture: all\nMaintainer: m <m@example.org>\nDescription: d\n' > DEBIAN/control
printf '#!/bin/sh\necho greetings\n' > usr/bin/greet && chmod 755 usr/bin/greet
dpkg-deb --build /tmp/p /tmp/greet.deb >/dev/null && dpkg -i /tmp/greet.deb >/dev/null && greet
dpkg -s greet | head -2
dpkg -r greet >/dev/null && ! command -v greet
"""


@pytest.fixture(scope="module")
def served(ordinary: OrdinaryUser) -> Iterator[OrdinaryServer]:
    """`cove up` by the user."""
    server = OrdinaryServer(ordinary)
    try:
        server.up("--network", "rules")
        yield server
    finally:
        server.close()


@contextmanager
def session(served: OrdinaryServer, **limits: int) -> Iterator[cove.Session]:
    """A session of its own."""
    with served.client() as bay:
        made = bay.create(cove.CreateSessionParams(limits=limits or None)).unwrap()
        try:
            yield made
        finally:
            made.delete().unwrap()


def count_of(inside: cove.Session) -> int:
    return int(inside.command.run("tail -n 1 /tmp/count 2>/dev/null || :").unwrap() or 0)


def test_commands_files_and_variables_are_the_sessions_own(served: OrdinaryServer) -> None:
    with session(served) as inside:
        assert inside.command.run("id -un; pwd").unwrap() == "wuying\n/home/wuying\n"
        assert inside.command.run("id -un", user="root").unwrap() == "root\n"
        inside.file_system.write_file("a.txt", "kept").unwrap()
        assert inside.command.run("cat a.txt; stat -c %U a.txt").unwrap() == "keptwuying\n"
        inside.env.set({"COLOUR": "blue"}).unwrap()
        assert inside.command.run("echo $COLOUR").unwrap() == "blue\n"


def test_packages_are_installed_and_removed_by_root(served: OrdinaryServer) -> None:
    with session(served) as inside:
        done = inside.command.run(PACKAGE, user="root")
        assert done.stdout.startswith("greetings\nPackage: greet\nStatus: install ok installed\n"), done.stderr


def test_files_of_the_host_are_hidden_by_removal_and_stay_on_it(served: OrdinaryServer) -> None:
    with session(served) as inside:
        inside.command.run("rm /usr/bin/yes", user="root").unwrap()
        assert inside.command.run("ls /usr/bin/yes").exit_code == 2
    assert Path("/usr/bin/yes").exists()


def test_metrics_are_measured_from_outside(served: OrdinaryServer) -> None:
    with session(served, disk_bytes=128 * MIB, memory_bytes=256 * MIB) as inside:
        inside.command.run(
            "head -c 20000000 /dev/urandom > file; i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"
        ).unwrap()
        first = inside.get_metrics().unwrap()
        assert first.cpu_used_pct > 0  # of all that it has done
        found = until(lambda: measured_above(inside, 20_000_000), "the file counts, when the disk was looked at")
        assert found.disk_used < found.disk_total == 128 * MIB
        assert 0 < found.mem_used < found.mem_total == 256 * MIB


def measured_above(inside: cove.Session, stored: int) -> cove.SessionMetrics | None:
    found = inside.get_metrics().unwrap()
    return found if found.disk_used > stored else None


def test_pause_stands_still_and_goes_on(served: OrdinaryServer) -> None:
    with session(served) as inside:
        pid = inside.command.run(COUNT).unwrap().strip()
        until(lambda: count_of(inside) > 0, "it counts")
        inside.pause().unwrap()
        states = [
            Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()[0] for each in processes(served, inside)
        ]
        assert set(states) <= {"T", "t", "Z"}
        inside.resume().unwrap()
        before = count_of(inside)
        until(lambda: count_of(inside) > before, "it counts on")
        assert inside.command.run(f"kill -0 {pid} && echo the same").unwrap() == "the same\n"


def test_what_stood_still_before_a_pause_does_so_after_it(served: OrdinaryServer) -> None:
    with session(served) as inside:
        pid = inside.command.run("sleep 1000 >/dev/null 2>&1 & kill -STOP $!; echo $!").unwrap().strip()
        state = f"until grep -q '^State:.T' /proc/{pid}/status; do :; done; cut -d' ' -f3 /proc/{pid}/stat"
        assert inside.command.run(state, timeout_ms=60_000).unwrap() == "T\n"
        inside.pause().unwrap()
        inside.resume().unwrap()
        assert inside.command.run(f"cut -d' ' -f3 /proc/{pid}/stat").unwrap() == "T\n"


def processes(served: OrdinaryServer, inside: cove.Session) -> list[int]:
    """A session's, the first one first."""
    found = Found(served.data / "sandboxes" / str(inside.session_id))
    return sorted(found.members(), key=lambda pid: pid != found.first())


def test_killed_server_leaves_its_sessions_to_the_next(ordinary: OrdinaryUser) -> None:
    server = OrdinaryServer(ordinary)
    try:
        server.up()
        with server.client() as bay:
            running, paused = (bay.create().unwrap() for _ in range(2))
            running.command.run(COUNT).unwrap()
            paused.pause().unwrap()
        server.kill()
        server.up()
        with server.client() as bay:
            found = bay.get(running.session_id).unwrap()
            before = count_of(found)
            until(lambda: count_of(found) > before, "it counts on")
            asleep = bay.get(paused.session_id).unwrap()
            assert asleep.info().data.view.state == "PAUSED"
            asleep.resume().unwrap()
            assert asleep.command.run("echo awake").unwrap() == "awake\n"
    finally:
        server.close()


def test_ended_session_is_told_of(served: OrdinaryServer) -> None:
    with served.client() as bay:
        made = bay.create().unwrap()
        os.kill(processes(served, made)[0], signal.SIGKILL)
        until(lambda: made.command.run("true").code in ("SandboxGone", "SessionNotFound"), "it is told")


FILL_TOGETHER = (
    'for i in 1 2 3 4 5 6 7 8; do {python} -c "import time; kept = bytearray(90 << 20); '
    "kept[::4096] = b'x' * len(kept[::4096]); time.sleep(180)\" & done; wait -n; code=$?; kill $(jobs -p); exit $code"
)
"""Ends with the first of them to end."""
PYTHON = "/run/cove/rt/lib/ld.so --library-path /run/cove/rt/lib /run/cove/rt/bin/python3 -S -B"


def test_memory_of_a_whole_session_is_watched(served: OrdinaryServer) -> None:
    """Each process keeps to the limit, which the kernel holds; all together do not."""
    with session(served, memory_bytes=128 * MIB) as inside:
        done = inside.command.run(FILL_TOGETHER.format(python=PYTHON), timeout_ms=200_000)
        assert done.exit_code == 137, done
        assert inside.command.run("echo well").unwrap() == "well\n"


def test_disk_of_a_whole_session_is_watched(served: OrdinaryServer) -> None:
    with session(served, disk_bytes=64 * MIB) as inside:
        many = "cd; i=0; while :; do head -c 4M /dev/zero > f$i; i=$((i+1)); sleep 0.2; done"
        assert inside.command.run(many, timeout_ms=200_000).exit_code == 137
        assert inside.command.run("rm -f f*; echo well").unwrap() == "well\n"


def test_a_single_file_stops_at_the_limit(served: OrdinaryServer) -> None:
    with session(served, disk_bytes=64 * MIB) as inside:
        inside.command.run("dd if=/dev/zero of=big bs=1M count=200")
        assert int(inside.command.run("stat -c %s big").unwrap()) <= 64 * MIB


def test_named_host_is_reached_through_the_relay_and_no_other(ordinary: OrdinaryUser) -> None:
    with greeting(own_address()) as port:
        server = OrdinaryServer(ordinary)
        try:
            server.up("--network", "rules", "--allow", f"localhost:{port}", "--allow", f"{own_address()}:{port}")
            with session(server) as inside:
                ask = f"exec 3<>/dev/tcp/{own_address()}/{{}}; echo >&3; head -c 5 <&3"
                assert inside.command.run(ask.format(port)).stdout == "hello"
                assert inside.command.run(ask.format(port + 1)).stdout == ""
                server.kill()
                server.up("--network", "rules", "--allow", f"{own_address()}:{port}")
                assert inside.command.run(ask.format(port)).stdout == "hello"  # through listeners made anew
        finally:
            server.close()


SERVE = """
cd; echo served > index.html; nohup {python} -m http.server 30100 >/dev/null 2>&1 &
until (exec 3<>/dev/tcp/127.0.0.1/30100) 2>/dev/null; do sleep 0.05; done
"""


def test_link_leads_to_what_a_session_serves(served: OrdinaryServer) -> None:
    with session(served) as inside:
        inside.command.run(SERVE.format(python=PYTHON), timeout_ms=120_000).unwrap()
        link = inside.get_link("https", 30100).data
        assert urllib.request.urlopen(f"{link}index.html", timeout=60).read() == b"served\n"


def test_root_directory_of_the_users_becomes_an_image(ordinary: OrdinaryUser) -> None:
    root = ordinary.home / "image"
    made = ordinary.run(
        "sh", "-c", f"mkdir -p {root}/bin {root}/etc && cp /bin/busybox {root}/bin/sh && echo mine > {root}/etc/motd"
    )
    if made.returncode:
        pytest.skip("needs busybox")
    server = OrdinaryServer(ordinary)
    try:
        server.up("--image", f"small={root}")
        with server.client() as bay:
            inside = bay.create(cove.CreateSessionParams(image_id="small")).unwrap()
            assert inside.command.run("read l < /etc/motd; echo $l").unwrap() == "mine\n"
            assert (
                inside.command.run("echo ours > /etc/motd && read l < /etc/motd; echo $l", user="root").unwrap()
                == "ours\n"
            )
    finally:
        server.close()
    assert (root / "etc/motd").read_text() == "mine\n"


def test_differences_are_told_by_the_server(served: OrdinaryServer) -> None:
    with served.client() as bay:
        isolation = bay.server.capabilities().isolation
    assert isolation.driver == "rootless"
    assert isolation.controls["seccomp"]
    assert not isolation.controls["disk_cap"]
    told = " ".join(isolation.notes)
    assert all(word in told for word in ("user ids", "stores", "pause", "memory", "processor time"))
