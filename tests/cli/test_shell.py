"""`cove session shell` as a person uses it, with true sandboxes where they can be made."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from tests.serving import IS_REAL, Server
from tests.waiting import until
from websockets.sync.server import ServerConnection, unix_serve

from cove.app.local import Started
from cove.cli.bridge import Bridge, Escape
from cove.cli.modes import Modes
from cove.core.errors import ConnectionLost
from cove.core.terminal import Exited, Opened, Resize
from cove.sdk._settings import Address, ClientSettings
from cove.sdk._sockets import WebSocket

from .conftest import run_cove
from .person import Person

FULL_SCREEN = r"""
draw() { printf '\033[2J\033[H[%s %s]' "$(tput cols)" "$(tput lines)"; }
printf '\033[?1049h'; trap draw WINCH; draw; while read -rsn1 -t 0.1 key || true; do
[ "$key" = q ] && break; done; printf '\033[?1049l'; exit 4
"""
needs_sandboxes = pytest.mark.skipif(not IS_REAL, reason="needs root")


@pytest.fixture(scope="module")
def real() -> Iterator[Server]:
    """A server with true sandboxes, if it can be."""
    server = Server("shell")
    try:
        _up(server)
        yield server
    finally:
        server.close()


def _up(server: Server) -> Started:
    return server.up() if IS_REAL else server.up_simulated()


@pytest.fixture
def inside(real: Server) -> Iterator[str]:
    made = run_cove(real.data, "session", "create", "--label", "name=den")
    assert made.returncode == 0, made.stderr
    yield made.stdout.strip()
    run_cove(real.data, "session", "delete", made.stdout.strip())


Shell = Callable[..., Person]


@pytest.fixture
def shell(real: Server, inside: str) -> Iterator[Shell]:
    """Opens shells in the session."""
    people: list[Person] = []

    def open_one(*words: str, options: tuple[str, ...] = (), **facts: int | str) -> Person:
        people.append(Person(real.data, "session", "shell", *options, inside, *words, **facts))  # type: ignore[arg-type]
        return people[-1]

    yield open_one
    for person in people:
        person.__exit__()


def test_a_shell_is_used_and_left_with_its_exit_code(shell: Shell) -> None:
    person = shell()
    person.type("echo $((6 * 7)); exit 3\r")
    person.sees(r"[\r\n]42\r\n")
    assert person.leaves() == 3
    assert person.is_put_right()


@needs_sandboxes
def test_it_is_the_users_shell_in_the_sandbox(shell: Shell, inside: str) -> None:
    person = shell()
    person.type("id -un; pwd; hostname; tty; test -t 2 && exit\r")
    person.sees(rf"wuying\r\n/home/wuying\r\n{inside}\r\n/dev/pts/0\r\n")
    assert person.leaves() == 0


@needs_sandboxes
def test_root_inside_is_asked_for(shell: Shell) -> None:
    person = shell("id -u; pwd", options=("--user", "root"))
    assert person.leaves() == 0
    assert person.text == "0\r\n/root\r\n"


def test_a_full_screen_program_fills_the_window_and_follows_it(shell: Shell) -> None:
    person = shell("bash", "-c", FULL_SCREEN, cols=100, rows=30)
    person.sees(r"\[100 30\]")
    assert person.is_raw()
    person.resize(132, 43)
    person.sees(r"\[132 43\]")
    person.type("q")
    assert person.leaves() == 4
    assert person.is_put_right()


def test_ctrl_c_reaches_what_stands_in_the_foreground(shell: Shell) -> None:
    person = shell("sh -c 'trap \"echo caught; exit 9\" INT; echo up; while :; do sleep 0.05; done'")
    person.sees("up")
    person.type("\x03")
    person.sees("caught")
    assert person.leaves() == 9


def test_a_command_that_a_signal_ends_has_its_code(shell: Shell) -> None:
    assert shell("kill -KILL $$").leaves() == 128 + 9


def test_the_session_is_found_by_its_name(real: Server, inside: str) -> None:
    with Person(real.data, "session", "shell", "den", "echo in; exit 5") as person:
        assert person.leaves() == 5
        assert person.text == "in\r\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("s-none",), "no session 's-none'"),
        (("--attach", "t-none", "den"), "no terminal 't-none'"),
        (("--cwd", "/no/such/place", "den"), "no file or directory at '/no/such/place'"),
        (("--user", "eve", "den"), "eve"),
    ],
)
def test_what_cannot_be_opened_is_a_sentence(real: Server, inside: str, words: tuple[str, ...], sentence: str) -> None:
    with Person(real.data, "session", "shell", *words) as person:
        assert person.leaves() == 1
        assert sentence in person.text
        assert person.text.startswith("cove: ")
        assert person.is_put_right()


def test_a_name_that_several_have_is_refused_with_their_ids(real: Server, inside: str) -> None:
    twin = run_cove(real.data, "session", "create", "--label", "name=den").stdout.strip()
    with Person(real.data, "session", "shell", "den") as person:
        assert person.leaves() == 1
        assert "several sessions have this name" in person.text
        assert inside in person.text
        assert twin in person.text
    run_cove(real.data, "session", "delete", twin)


def test_a_paused_session_names_the_command_that_helps(real: Server, inside: str) -> None:
    run_cove(real.data, "session", "pause", inside)
    with Person(real.data, "session", "shell", inside) as person:
        assert person.leaves() == 1
        assert person.text == f"cove: session '{inside}' is PAUSED; `cove session resume {inside}` lets it go on\r\n"


def test_without_a_terminal_it_says_what_to_use_instead(real: Server, inside: str) -> None:
    done = run_cove(real.data, "session", "shell", inside)
    assert (done.returncode, done.stdout) == (1, "")
    assert "`cove session exec` runs commands for programs" in done.stderr


def test_two_shells_are_two_terminals(shell: Shell) -> None:
    people = [shell(), shell()]
    for number, person in enumerate(people):
        person.type(f"mine=of-{number}; tty\r")
    ttys = {person.sees(r"/dev/pts/\d+\r")[0] for person in people}
    for number, person in enumerate(people):
        person.type(f"echo $mine; exit {number}\r")
        person.sees(rf"[\r\n]of-{number}\r\n")
    assert (len(ttys), [person.leaves() for person in people]) == (2, [0, 1])


def test_one_leaves_and_comes_back(real: Server, inside: str, shell: Shell) -> None:
    person = shell()
    person.type("kept=treasure; echo re''ady\r")
    person.sees("ready")
    person.type("\r~.")
    assert person.leaves() == 0
    assert person.is_put_right()
    terminal = person.sees(r"\r\ncove: left; .*--attach (t-\w+)")[1]
    listed = f"TERMINAL\tSIZE\tSHOWN\n{terminal}\t80x24\tno\n"
    until(lambda: run_cove(real.data, "session", "terminals", inside).stdout == listed, "it is shown to nobody", 60)
    again = shell(options=("--attach", terminal))
    again.type("echo $kept; exit 6\r")
    again.sees("[\r\n]treasure\r\n")
    assert again.leaves() == 6


def test_a_session_that_is_deleted_ends_its_shells_with_a_sentence(real: Server, inside: str, shell: Shell) -> None:
    person = shell("bash", "-c", FULL_SCREEN)
    person.sees(r"\[80 24\]")
    run_cove(real.data, "session", "delete", inside)
    code = person.leaves()
    if IS_REAL:
        assert code == 1
        assert f"the sandbox of session '{inside}' has ended (deleted)" in person.text
        assert "\x1b[?1049l" in person.text.partition("[80 24]")[2]
    assert person.is_put_right()


def test_a_session_paused_by_hand_says_so_to_who_types_and_goes_on_later(
    real: Server, inside: str, shell: Shell
) -> None:
    person = shell("read line; echo got $line")
    until(person.is_raw, "the shell is open")
    assert run_cove(real.data, "session", "pause", inside).returncode == 0
    person.type("it\r")
    person.sees(f"cove: the session is paused; `cove session resume {inside}` lets it go on")
    assert person.process.poll() is None
    assert run_cove(real.data, "session", "resume", inside).returncode == 0
    person.sees("got it")
    assert person.leaves() == 0


def test_a_window_that_is_closed_hangs_its_shell_up(real: Server, inside: str, shell: Shell) -> None:
    person = shell("trap 'touch /tmp/hung-up; exit' HUP; echo up; while :; do sleep 0.05; done")
    person.sees("up")
    person.signal(signal.SIGHUP)
    assert person.leaves() == 128 + signal.SIGHUP
    until(lambda: _runs(real, inside, "test -e /tmp/hung-up") == 0, "the shell was hung up", 60)


def test_a_flood_takes_no_memory_and_ctrl_c_ends_it(shell: Shell) -> None:
    person = shell()
    person.type("PS1='rea''dy> '\r")
    person.sees("ready> ")
    person.type("yes flood\r")
    person.sees("flood\r\nflood")
    before = _memory(person)
    os.read(person.screen, 1)
    _look_away(person)
    assert _memory(person) - before < 16 << 20
    person.shown = b""
    person.type("\x03")
    person.sees("ready> ")
    person.type("echo en''ough; exit 0\r")
    person.sees("enough")
    assert person.leaves() == 0


def test_a_paste_arrives_whole(real: Server, inside: str, shell: Shell) -> None:
    size = 300_000
    person = shell(f"stty raw -echo; echo ready; head -c {size} | sha256sum; stty sane")
    person.sees("ready")
    text = "".join(chr(ord("a") + number % 26) for number in range(size))
    threads = _typing(person, text)
    import hashlib

    person.sees(hashlib.sha256(text.encode()).hexdigest())
    threads.join()
    assert person.leaves() == 0


def test_json_tells_the_end_to_programs(shell: Shell) -> None:
    person = shell("exit 7", options=("--json",))
    assert person.leaves() == 7
    assert '"exit_code": 7' in person.text


class TestLostConnections:
    """The server goes; the sandbox, and what runs on its terminals, do not."""

    @pytest.fixture
    def own(self) -> Iterator[Server]:
        server = Server("lost")
        try:
            _up(server)
            yield server
        finally:
            if not server.is_running:
                _up(server)
            server.close()

    @needs_sandboxes
    @pytest.mark.parametrize("how", ["killed", "stopped"])
    def test_the_terminal_outlives_its_server(self, own: Server, how: str) -> None:
        session = run_cove(own.data, "session", "create").stdout.strip()
        with Person(own.data, "session", "shell", session) as person:
            person.type("kept=treasure; echo re''ady\r")
            person.sees("ready")
            own.kill() if how == "killed" else own.stop()
            assert person.leaves() == 1
            assert person.is_put_right()
            assert "cove: the connection to unix://" in person.text
            terminal = person.sees(r"--attach (t-\w+)")[1]
        _up(own)
        with Person(own.data, "session", "shell", "--attach", terminal, session) as again:
            again.type("echo $kept; exit 6\r")
            again.sees("[\r\n]treasure\r\n")
            assert again.leaves() == 6, again.text[-500:]


class Still:
    """A console at which nothing happens but what `types` says. Use as a context manager."""

    ended_by, was_resized = 0, False

    def __init__(self, types: bytes = b"") -> None:
        self._pipes = (*os.pipe(), *os.pipe())
        self.descriptors = (self._pipes[0], self._pipes[2])
        os.write(self._pipes[1], types)

    def __enter__(self) -> "Still":
        return self

    def __exit__(self, *_: object) -> None:
        for fd in self._pipes:
            os.close(fd)

    def size(self) -> tuple[int, int]:
        return 80, 24

    def read(self) -> bytes:
        return os.read(self.descriptors[0], 1024)


Handler = Callable[[ServerConnection], object]


@contextmanager
def answered(handler: Handler, path: str) -> Iterator[WebSocket]:
    """A connection to a server that does what the handler does."""
    with unix_serve(handler, path, ping_interval=None) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = Address(shown="unix://here", base_url="http://cove", socket=path)
        socket = WebSocket(ClientSettings(address=address, api_key=""), "/v1/sessions/s/terminal")
        try:
            yield socket
        finally:
            socket.close()


def test_a_server_that_falls_silent_counts_as_lost(tmp_path: Path) -> None:
    """A machine that has lost its power says no word, and no end either."""
    place = str(tmp_path / "silent")
    with Still() as console, answered(lambda connection: connection.recv(60), place) as socket:
        bridge = Bridge(socket, console, "s", silence=0.5)  # type: ignore[arg-type]
        with pytest.raises(ConnectionLost):
            bridge.run()


def test_a_terminal_that_is_shown_again_draws_its_screen_before_anything_is_typed(tmp_path: Path) -> None:
    """A shell that hears of a size between a line and its output shows the line twice."""
    heard: list[str | bytes] = []

    def hear_three(connection: ServerConnection) -> None:
        connection.send(msgspec.json.encode(Opened("t")).decode())
        heard.extend(connection.recv(60) for _ in range(3))
        connection.send(msgspec.json.encode(Exited(0)).decode())

    with Still(b"ls\n") as console, answered(hear_three, str(tmp_path / "again")) as socket:
        Bridge(socket, console, "s", terminal_id="t").run()  # type: ignore[arg-type]
    sizes = [msgspec.json.decode(text, type=Resize) for text in heard[:2]]
    assert (sizes, heard[2]) == ([Resize(80, 23), Resize(80, 24)], b"ls\n")


@pytest.mark.parametrize(
    ("shown", "undone"),
    [
        (b"plain \x1b[31mred", b""),
        (b"\x1b[?1049h\x1b[?1h", b"\x1b[?1049l\x1b[?1l"),
        (b"\x1b[?1049h\x1b[?1049l\x1b[?25l\x1b[?25h", b""),
        (b"\x1b[?1000;1006h\x1b[?25l", b"\x1b[?1000l\x1b[?1006l\x1b[?25h"),
        (b"\x1b[?9999h\x1b[?" + b"1;" * 99 + b"h\x1b[?", b""),
    ],
)
def test_what_was_switched_on_is_switched_off_and_nothing_else(shown: bytes, undone: bytes) -> None:
    whole, pieces = Modes(), Modes()
    whole.watch(shown)
    for byte in shown:
        pieces.watch(bytes((byte,)))
    assert whole.undo() == pieces.undo() == undone + b"\x1b[0m"


@pytest.mark.parametrize(
    ("keys", "passed", "leaves"),
    [
        (b"~.", b"", True),
        (b"a~.", b"a~.", False),
        (b"\r~.", b"\r", True),
        (b"~~.", b"~.", False),
        (b"~x", b"~x", False),
        (b"~\r~.", b"~\r", True),
        (b"ls\n~~\n~.x", b"ls\n~\n", True),
    ],
)
def test_the_way_out_is_that_of_ssh(keys: bytes, passed: bytes, leaves: bool) -> None:
    assert Escape().filter(keys) == (passed, leaves)
    one = Escape()
    pieces = [one.filter(bytes((key,))) for key in keys]
    first = next((at for at, piece in enumerate(pieces) if piece[1]), len(pieces))
    assert b"".join(piece[0] for piece in pieces[: first + 1]) == passed
    assert any(piece[1] for piece in pieces) is leaves


def _runs(server: Server, session: str, command: str) -> int:
    return run_cove(server.data, "session", "exec", session, command).returncode


def _memory(person: Person) -> int:
    return int(Path(f"/proc/{person.process.pid}/statm").read_text().split()[1]) * 4096


def _look_away(person: Person) -> None:
    """Until nothing moves any more: everything between here and the flood is full."""
    pid, before = person.process.pid, -1
    while (now := int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11])) != before:
        before = now
        subprocess.run([sys.executable, "-c", ""], check=True)


def _typing(person: Person, text: str) -> "threading.Thread":
    thread = threading.Thread(target=_type_all, args=(person.screen, text.encode()))
    thread.start()
    return thread


def _type_all(screen: int, data: bytes) -> None:
    while data:
        data = data[os.write(screen, data) :]
