"""The simulated Cove, as users' tests meet it."""

import socket
import tempfile
import threading
import urllib.request
from pathlib import Path

import pytest
from tests.asking import at_socket

from cove import AgentBay
from cove.guest.tools import catalogue
from cove.testing import Cove, running_cove


def test_agent_bay_finds_the_fixtures_cove_without_arguments(cove: Cove) -> None:
    with AgentBay().open() as session:
        assert session.command.run("echo hi").stdout == "hi\n"
    assert cove.run(cove.driver.known()) == set()


@pytest.mark.parametrize("tool", [tool for tool in catalogue() if tool.example], ids=lambda tool: tool.name)
def test_every_tools_example_works_through_http_in_both_faces(cove: Cove, tool: object) -> None:
    with at_socket(cove.socket, headers={"Authorization": f"Bearer {cove.api_key}"}, timeout=30) as http:
        session = http.post("/v1/sessions", json={}).json()["session_id"]
        body = {"arguments": tool.example, "text": True}
        answer = http.post(f"/v1/sessions/{session}/tools/{tool.name}", json=body).raise_for_status().json()
    assert isinstance(answer["text"], str)
    assert answer["failure"] or set(answer["structured"]) == set(tool.output_schema["properties"])


def test_a_cove_logs_where_tests_look_and_prints_nothing(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with running_cove() as cove, AgentBay(endpoint=cove.endpoint, api_key=cove.api_key).open():
        pass
    assert [record.name for record in caplog.records if "session running" in record.getMessage()] == ["cove.server"]
    assert capsys.readouterr() == ("", "")


def test_a_link_leads_to_the_port_that_stands_for_the_one_inside(cove: Cove) -> None:
    with socket.create_server(("127.0.0.1", 0)) as inside, AgentBay().open() as session:
        cove.driver.ports[30100] = inside.getsockname()[1]
        answering = threading.Thread(target=answer_once, args=(inside,))
        answering.start()
        link = session.get_link("https", 30100).unwrap()
        assert urllib.request.urlopen(link, timeout=30).read() == b"hello"
        answering.join(30)


def answer_once(listener: socket.socket) -> None:
    connected, _ = listener.accept()
    with connected:
        connected.recv(65536)
        connected.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")


def test_two_coves_do_not_see_each_other() -> None:
    with running_cove() as one, running_cove() as two:
        AgentBay(endpoint=one.endpoint, api_key=one.api_key).create()
        assert len(AgentBay(endpoint=one.endpoint, api_key=one.api_key).list().session_ids) == 1
        assert len(AgentBay(endpoint=two.endpoint, api_key=two.api_key).list().session_ids) == 0


def test_cove_that_cannot_start_says_so() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        (Path(directory) / "cove.db").write_bytes(b"this is no database" * 100)
        with pytest.raises(RuntimeError, match="did not start"), running_cove(Path(directory)):
            pass
