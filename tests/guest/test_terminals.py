"""Terminals in the guest: what runs on them, who looks at them, and what becomes of them."""

import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cove.core.frames import FrameReader, frame
from cove.core.terminal import (
    Detached,
    Exited,
    FromGuest,
    Kill,
    OpenTerminal,
    PacketReader,
    Resize,
    data_packets,
    message_packet,
)
from cove.guest import Guest

from .doors import PATIENCE, Door, children, eventually, kill


class Screen:
    """A connection to one terminal, and what it showed so far."""

    def __init__(self, door: Door, method: str, **params: Any) -> None:
        self.connection = door.connect()
        self._reader: PacketReader[Any] = PacketReader(FromGuest)  # type: ignore[arg-type]
        self.connection.sendall(frame({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
        frames, messages = FrameReader(), []
        while not messages:
            data = self.connection.recv(1)  # the packets behind the answer stay where they are
            assert data, "the guest hung up"
            messages = frames.feed(data)
        self.told = messages[0]
        self.shown = b""
        self.last: Exited | Detached | None = None
        self.is_open = True

    @property
    def id(self) -> str:
        return str(self.told["result"]["structuredContent"]["terminal_id"])

    @property
    def failure(self) -> str:
        return str(self.told["result"]["structuredContent"]["code"])

    def type(self, text: str) -> None:
        self.connection.sendall(data_packets(text.encode()))

    def say(self, message: Resize | Kill) -> None:
        self.connection.sendall(message_packet(message))

    def look(self) -> bool:
        """Wait for more; False at the end."""
        data = self.connection.recv(1 << 16)
        for item in self._reader.feed(data):
            if isinstance(item, bytes):
                self.shown += item
            else:
                self.last = item
        self.is_open = bool(data)
        return self.is_open

    def until(self, pattern: str) -> "re.Match[str]":
        """What matches, once it is there."""
        while not (found := re.search(pattern, self.shown.decode(errors="replace"))):
            try:
                assert self.look(), self.shown
            except TimeoutError as error:
                raise AssertionError(f"no {pattern!r} in {self.shown!r}") from error
        return found

    def end(self) -> int:
        """The exit code, once the terminal hangs up."""
        while self.look():
            pass
        assert isinstance(self.last, Exited), self.shown
        return self.last.exit_code

    def close(self) -> None:
        self.connection.close()


Open = Callable[..., Screen]


@pytest.fixture
def screen(door: Door) -> Open:
    """Opens terminals."""

    def open_one(**params: Any) -> Screen:
        return Screen(door, "terminals/open", **params)

    return open_one


def listed(door: Door) -> list[dict[str, Any]]:
    return list(door.ask("terminals/list")["result"]["structuredContent"]["terminals"])


def test_what_is_typed_reaches_a_shell_and_its_output_comes_back(screen: Open) -> None:
    shell = screen()
    shell.type("echo $((6*7)); tty; exit 3\n")
    assert shell.end() == 3
    assert b"42\r\n/dev/pts/" in shell.shown


def test_a_command_runs_in_the_place_of_a_shell(screen: Open) -> None:
    one = screen(command="test -t 0 && test -t 1 && echo $TERM $MINE; exit 7", envs={"MINE": "yes", "TERM": "vt100"})
    assert one.end() == 7
    assert one.shown == b"vt100 yes\r\n"


def test_it_runs_as_the_user_in_the_home_on_a_terminal_of_its_own(door: Door, screen: Open) -> None:
    one = screen(command="pwd; id -u; stat -c %u $(tty); echo > $(tty)", rows=30)
    assert one.end() == 0
    home, user, owner = one.shown.decode().split()
    assert (home, user) == (str(door.home), owner)


def test_the_size_is_the_windows_and_follows_it(screen: Open) -> None:
    one = screen(cols=100, rows=30, command="trap 'stty size' WINCH; stty size; while sleep 0.05; do :; done")
    one.until("30 100")
    one.say(Resize(132, 43))
    one.until("43 132")
    one.say(Kill())
    assert one.end() == -9


def test_ctrl_c_reaches_what_stands_in_the_foreground_and_not_the_shell(screen: Open) -> None:
    shell = screen(shell="/bin/bash")
    shell.type("PS1='rea''dy> '\n")
    shell.until("ready> ")
    shell.type("echo fol''lows >begun; tail -f begun\n")
    shell.until("follows")
    shell.type("\x03")
    shell.until(r"(?s)\^C.*ready> ")  # what is typed before may be thrown away
    shell.type("echo code $?; exit 0\n")
    shell.until("code 130")
    assert shell.end() == 0


def test_what_was_typed_before_is_there_for_the_program_that_starts_later(screen: Open) -> None:
    shell = screen(command="sleep 0.3; read line; echo got $line")
    shell.type("early\n")
    assert shell.end() == 0
    assert b"got early" in shell.shown


def test_two_terminals_are_two(door: Door, screen: Open) -> None:
    first, second = screen(cols=90), screen()
    assert [(one["terminal_id"], one["cols"], one["attached"]) for one in listed(door)] == [
        (first.id, 90, True), (second.id, 80, True),
    ]  # fmt: skip
    first.type("exit 1\n")
    second.type("exit 2\n")
    assert (first.end(), second.end()) == (1, 2)
    assert listed(door) == []


def test_a_terminal_outlives_its_connection_and_shows_what_was_missed(door: Door, screen: Open) -> None:
    one = screen(command="echo before; read x; echo after $x; read y; exit $y")
    one.until("before")
    one.close()
    eventually(lambda: not listed(door)[0]["attached"])
    again = Screen(door, "terminals/attach", terminalId=one.id)
    again.type("all\n5\n")
    assert again.end() == 5
    assert b"after all" in again.shown
    assert b"before" not in again.shown
    assert Screen(door, "terminals/attach", terminalId=one.id).failure == "NoSuchTerminal"


def test_the_end_of_one_that_nobody_saw_is_told_later_and_once(door: Door, screen: Open) -> None:
    one = screen(command="read x; echo done; exit 4")
    one.close()
    eventually(lambda: not listed(door)[0]["attached"])
    helper = Screen(door, "terminals/attach", terminalId=one.id)
    helper.type("\n")
    helper.close()
    eventually(lambda: not listed(door))
    later = Screen(door, "terminals/attach", terminalId=one.id)
    assert later.end() == 4
    assert Screen(door, "terminals/attach", terminalId=one.id).failure == "NoSuchTerminal"


def test_whoever_connects_takes_over_and_the_other_is_told(door: Door, screen: Open) -> None:
    first = screen()
    second = Screen(door, "terminals/attach", terminalId=first.id)
    while first.look():
        pass
    assert first.last == Detached()
    second.type("exit 9\n")
    assert second.end() == 9


def test_whoever_asked_last_looks_even_where_the_one_before_is_shown_it_later(guest: Guest) -> None:
    opened = guest.terminals.open(OpenTerminal(command="read word; exit 9"))
    (first, shown_first), (second, shown_second) = socket.socketpair(), socket.socketpair()
    guest.terminals.attach(opened.terminal_id, shown_second, 2)
    guest.terminals.attach(opened.terminal_id, shown_first, 1)
    assert read_all(first) == message_packet(Detached())
    second.sendall(data_packets(b"word\n"))
    assert read_all(second).endswith(message_packet(Exited(9)))


def read_all(connection: socket.socket) -> bytes:
    connection.settimeout(PATIENCE)
    with connection, connection.makefile("rb") as file:
        return file.read()


def test_killing_ends_the_shell_and_what_stands_in_the_foreground(door: Door, screen: Open) -> None:
    shell = screen()
    shell.type("echo up; sleep 1234\n")
    shell.until("up\r\n")
    eventually(lambda: "sleep 1234" in door.shell("ps axo args")["stdout"])
    assert "result" in door.ask("terminals/kill", {"terminalId": shell.id})
    assert shell.end() == -9
    eventually(lambda: "sleep 1234" not in door.shell("ps axo args")["stdout"])


def test_a_window_that_closes_hangs_its_shell_up(screen: Open) -> None:
    shell = screen(command="trap 'echo bye; exit 6' HUP; echo ready; while :; do sleep 0.05; done")
    shell.until("ready")
    shell.say(Kill("HUP"))
    assert shell.end() == 6
    assert b"bye" in shell.shown


def test_what_stays_in_the_background_keeps_no_terminal_open(door: Door, screen: Open) -> None:
    one = screen(command="trap '' HUP; (while echo more; do sleep 0.01; done) & sleep 0.2")
    assert one.end() == 0
    assert listed(door) == []


def test_a_program_that_closes_its_terminal_costs_nothing_and_ends_as_usual(door: Door, screen: Open) -> None:
    one = screen(command="exec sh -c 'sleep 2; exit 5' <&- >&- 2>&-")
    before = ticks(door)
    assert one.end() == 5
    assert ticks(door) - before < 50


def ticks(door: Door) -> int:
    """Processor time of the guest's server, in hundredths of a second."""
    fields = Path(f"/proc/{door.server_pid()}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def held(door: Door) -> int:
    """Bytes that the guest's server holds in memory, beside what it has of files; counted when asked, not estimated."""
    rollup = Path(f"/proc/{door.server_pid()}/smaps_rollup").read_text()
    return int(re.findall(r"^Anonymous: +(\d+) kB", rollup, re.MULTILINE)[0]) * 1024


def test_a_flood_waits_for_whoever_looks_and_takes_no_memory(door: Door, screen: Open) -> None:
    one = screen(command="yes 0123456789012345678901234567890123456789")
    one.until("0123")
    door.shell("true")  # what a first command takes for good
    before = held(door)
    assert door.shell("sleep 1; echo alive")["stdout"] == "alive\n"
    assert held(door) - before < 16 << 20
    waiting = ticks(door)  # the flood stands still: nobody takes it
    assert door.shell("sleep 0.5")["exit_code"] == 0
    assert ticks(door) - waiting < 30
    one.say(Kill())
    while one.look():
        pass
    assert one.last == Exited(-9)


def test_a_flood_at_which_nobody_looks_runs_on_and_its_end_is_kept(door: Door, screen: Open) -> None:
    one = screen(command="seq 1 100000; echo fin; sleep 0.2; exit 0")
    one.close()
    eventually(lambda: not listed(door))
    later = Screen(door, "terminals/attach", terminalId=one.id)
    assert later.end() == 0
    assert later.shown.endswith(b"100000\r\nfin\r\n")
    assert len(later.shown) <= 64 * 1024


def test_input_that_nobody_reads_is_bounded_and_a_kill_gets_through(door: Door, screen: Open) -> None:
    one = screen(command="stty raw -echo; echo ready; sleep 1000")
    one.until("ready")
    before = held(door)
    one.connection.settimeout(1)
    with pytest.raises(TimeoutError):
        one.connection.sendall(data_packets(b"x" * (64 << 20)))
    assert held(door) - before < 16 << 20
    door.ask("terminals/kill", {"terminalId": one.id})
    one.connection.settimeout(PATIENCE)
    try:
        assert one.end() == -9
    except ConnectionResetError:  # it closed with our input unread
        assert listed(door) == []


@pytest.mark.parametrize(
    "sent",
    [b"\xff\x00\x01x", b"m\x00\x1e" + b"{" * 30, b"m\x00\x02[]", b'm\x00\x10{"type":"wrong"}'],
)
def test_what_is_no_packet_ends_the_connection_and_not_the_terminal(door: Door, screen: Open, sent: bytes) -> None:
    one = screen()
    one.connection.sendall(sent)
    while one.look():
        pass
    assert one.last is None
    again = Screen(door, "terminals/attach", terminalId=one.id)
    again.type("exit 3\n")
    assert again.end() == 3


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"cwd": "/no/such/place"}, "NoSuchFile"),
        ({"shell": "/no/such/shell"}, "NoSuchFile"),
        ({"shell": "bash"}, "InvalidPath"),
        ({"command": "a\0b"}, "InvalidCommand"),
        ({"envs": {"a=b": "c"}}, "InvalidVariable"),
    ],
)
def test_one_that_cannot_be_opened_says_why(door: Door, screen: Open, params: dict[str, Any], code: str) -> None:
    assert screen(**params).failure == code
    assert listed(door) == []


@pytest.mark.parametrize(
    "params", [{"cols": 0}, {"rows": 501}, {"cols": "80"}, {"user": "eve"}, {"wings": 2}, {"command": ""}]
)
def test_a_wish_that_makes_no_sense_is_refused(door: Door, screen: Open, params: dict[str, Any]) -> None:
    assert screen(**params).told["error"]["code"] == -32602


def test_one_too_many_ends_the_oldest_at_which_nobody_looks(door: Door, screen: Open) -> None:
    shells = [screen() for _ in range(16)]
    assert screen().failure == "TooManyTerminals"
    shells[3].close()
    eventually(lambda: not listed(door)[3]["attached"])
    assert screen().told["result"]["isError"] is False
    assert shells[3].id not in [one["terminal_id"] for one in listed(door)]


def test_terminals_end_with_the_guest_that_holds_them(door: Door, screen: Open) -> None:
    one = screen(command="sleep 4321")
    kill(door.server_pid())
    while one.look():
        pass
    assert one.last is None
    eventually(lambda: "sleep 4321" not in door.shell("ps axo args")["stdout"])
    eventually(lambda: children(door.init_pid()) == [door.server_pid()])


def test_a_terminal_that_is_not_there_is_not_shown(door: Door) -> None:
    assert Screen(door, "terminals/attach", terminalId="t-none").failure == "NoSuchTerminal"
    assert door.ask("terminals/kill", {"terminalId": "t-none"})["result"]["isError"] is True
