"""kill -9 of the relay: its sessions get out again, even beside one that is hostile."""

import os
import signal

from tests.greeting import greeting, own_address
from tests.waiting import until

from .running import Cove

SQUAT = """
import socket, time
while True:
    try:
        door = socket.create_server(("127.0.0.1", 15001))
        open("/home/wuying/taken", "w").write("yes")
        time.sleep(1000)
    except OSError:
        time.sleep(0.001)
"""


def test_relay_is_made_again_and_serves_the_session_on(cove: Cove) -> None:
    with greeting(host := own_address()) as port:
        fetch = f"exec 3<>/dev/tcp/{host}/{port}; echo >&3; cat <&3"
        cove.start(allow=(f"{host}:{port}",))
        session = cove.create()
        assert cove.shell(session, fetch) == "hello"
        (killed,) = cove.helper("cove.node.relay")
        os.kill(killed, signal.SIGKILL)
        until(lambda: set(cove.helper("cove.node.relay")) - {killed}, "there is another relay")
        until(lambda: cove.shell(session, f"({fetch}) 2>/dev/null || true") == "hello", "the session gets out again")
        cove.kill()  # and the relay goes with the server
        cove.start(allow=(f"{host}:{port}",))
        assert cove.shell(session, fetch) == "hello"
        assert len(cove.helper("cove.node.relay")) == 1
        cove.assert_truth()
        cove.end_all()


def test_policy_that_was_set_holds_when_the_relay_and_the_server_are_made_again(cove: Cove) -> None:
    with greeting(host := own_address()) as port:
        fetch = f"(exec 3<>/dev/tcp/{host}/{port}; echo >&3; cat <&3) 2>/dev/null || true"
        cove.start(allow=(f"{host}:{port}",))
        closed, opened = cove.create(), cove.create()
        cove.ask("PUT", f"/sessions/{closed}/network", {"network": "none"})
        (killed,) = cove.helper("cove.node.relay")
        os.kill(killed, signal.SIGKILL)
        until(lambda: set(cove.helper("cove.node.relay")) - {killed}, "there is another relay")
        until(lambda: cove.shell(opened, fetch) == "hello", "the other session gets out again")
        assert cove.shell(closed, fetch) == ""
        cove.kill()
        cove.start(allow=(f"{host}:{port}",))
        assert (cove.shell(opened, fetch), cove.shell(closed, fetch)) == ("hello", "")
        cove.ask("PUT", f"/sessions/{closed}/network", {"network": "open"})
        assert cove.shell(closed, fetch) == "hello"
        cove.end_all()


def test_session_that_takes_the_relays_port_costs_no_other_its_way_out(cove: Cove) -> None:
    with greeting(host := own_address()) as port:
        cove.start(allow=(f"{host}:{port}",))
        hostile, honest = cove.create(), cove.create()
        cove.shell(hostile, f"python3 -c '{SQUAT}' >/dev/null 2>&1 &")
        (killed,) = cove.helper("cove.node.relay")
        os.kill(killed, signal.SIGKILL)
        until(lambda: cove.look(hostile, "/home/wuying/taken"), "the port is taken")
        fetch = f"exec 3<>/dev/tcp/{host}/{port}; echo >&3; cat <&3"
        until(lambda: cove.shell(honest, f"({fetch}) 2>/dev/null || true") == "hello", "the other gets out again")
        cove.kill()
        cove.start(allow=(f"{host}:{port}",))
        assert cove.shell(honest, fetch) == "hello"
        cove.assert_truth()
        cove.end_all()
