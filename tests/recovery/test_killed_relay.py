"""kill -9 of the relay: its sessions get out again, even beside one that is hostile."""

import os
import signal
from contextlib import suppress

from tests.greeting import greeting, own_address
from tests.waiting import until

from .running import Cove

SQUAT = """
import socket, time
while True:
    try:
        door = socket.create_server(("127.0.0.1", 15001))
        break
    except OSError:
        time.sleep(0.001)
with open("/home/wuying/taken", "w") as file:
    file.write("yes")
time.sleep(1000)
"""


def fetched(cove: Cove, session: str, place: str) -> str:
    """What a session is told there; nothing where it has no way out."""
    host, port = place.split(":")
    return cove.shell(session, f"(exec 3<>/dev/tcp/{host}/{port}; echo >&3; cat <&3) 2>/dev/null || true")


def await_way_out(cove: Cove, session: str, place: str) -> None:
    """A relay that is new, or whose server was killed a moment ago, may not be in its place yet."""
    until(lambda: fetched(cove, session, place) == "hello", "the session gets out")


def kill_relay(cove: Cove) -> None:
    """Return once there is another."""
    (killed,) = cove.helper("cove.node.relay")
    os.kill(killed, signal.SIGKILL)
    until(lambda: set(cove.helper("cove.node.relay")) - {killed}, "there is another relay")


def test_relay_is_made_again_and_serves_the_session_on(cove: Cove) -> None:
    with greeting(host := own_address()) as port:
        place = f"{host}:{port}"
        cove.start(allow=(place,))
        session = cove.create()
        assert fetched(cove, session, place) == "hello"
        kill_relay(cove)
        await_way_out(cove, session, place)
        cove.kill()  # and the relay goes with the server
        cove.start(allow=(place,))
        await_way_out(cove, session, place)
        assert len(cove.helper("cove.node.relay")) == 1
        cove.assert_truth()
        cove.end_all()


def test_relay_that_outlives_its_killed_server_keeps_no_session_in(cove: Cove) -> None:
    with greeting(host := own_address()) as port:
        place = f"{host}:{port}"
        cove.start(allow=(place,))
        session = cove.create()
        (relay,) = cove.helper("cove.node.relay")
        os.kill(relay, signal.SIGSTOP)  # as on a machine that has no time for it
        try:
            cove.kill()
            cove.start(allow=(place,))
        finally:
            os.kill(relay, signal.SIGCONT)
        await_way_out(cove, session, place)
        cove.assert_truth()
        cove.end_all()


def test_policy_that_was_set_holds_when_the_relay_and_the_server_are_made_again(cove: Cove) -> None:
    with greeting(host := own_address()) as port:
        place = f"{host}:{port}"
        cove.start(allow=(place,))
        closed, opened = cove.create(), cove.create()
        cove.ask("PUT", f"/sessions/{closed}/network", {"network": "none"})
        kill_relay(cove)
        await_way_out(cove, opened, place)
        assert fetched(cove, closed, place) == ""
        cove.kill()
        cove.start(allow=(place,))
        await_way_out(cove, opened, place)
        assert fetched(cove, closed, place) == ""
        cove.ask("PUT", f"/sessions/{closed}/network", {"network": "open"})
        await_way_out(cove, closed, place)
        cove.end_all()


def test_session_that_takes_the_relays_port_costs_no_other_its_way_out(cove: Cove) -> None:
    with greeting(host := own_address()) as port:
        place = f"{host}:{port}"
        cove.start(allow=(place,))
        hostile, honest = cove.create(), cove.create()
        cove.shell(hostile, f"python3 -c '{SQUAT}' >/dev/null 2>&1 &")

        def is_taken() -> bool:
            """Where it is not, the next relay may have been quicker, and is killed as well."""
            for relay in cove.helper("cove.node.relay"):
                with suppress(ProcessLookupError):  # it was still dying
                    os.kill(relay, signal.SIGKILL)
            return bool(cove.look(hostile, "/home/wuying/taken"))

        until(is_taken, "the port is taken")
        await_way_out(cove, honest, place)
        cove.kill()
        cove.start(allow=(place,))
        await_way_out(cove, honest, place)
        cove.assert_truth()
        cove.end_all()
