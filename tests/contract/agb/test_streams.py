"""The WebSocket of AGB's newest client: streams, pushes, and what it is told where there are none."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.contract.agb.conftest import Make
from tests.contract.agb.words import good, refused
from tests.contract.clients import AGB, ENOUGH, for_each
from tests.contract.far import Process, RaisedError
from tests.waiting import until

NEWEST = for_each(*AGB, since="0.12")
FILES = "wuying_filesystem"
NOBODY = {"on_event": None, "on_end": None, "on_error": None}


@pytest.fixture
def line(session: Any, process: Process) -> Iterator[Any]:
    """A connection to the session's address for streams."""
    assert session.ws_url.startswith("ws://")
    line = process.find("agb.modules.ws:WsClient")(session.ws_url, session.token)
    line.connect()
    yield line
    line.close()


def ended(line: Any, method: str, **params: Any) -> Any:
    """How a stream ends."""
    return line.call_stream(target=FILES, data={"method": method, "params": params}, **NOBODY).wait_end()


@NEWEST
def test_changes_of_files_are_pushed(session: Any, process: Process, line: Any) -> None:
    good(session.file.mkdir("/tmp/pushed"))
    seen = process.make_list()
    line.register_callback(FILES, seen.append)
    assert ended(line, "subscribe_file_change", path="/tmp/pushed")["phase"] == "end"
    good(session.file.write("/tmp/pushed/f", "1"))
    wanted = {"eventType": "create", "path": "/tmp/pushed/f", "pathType": "file"}

    def told() -> bool:
        return any(wanted in push["data"]["events"] for push in seen.copy())

    until(told, "the new file")
    assert {push["data"]["path"] for push in seen.copy()} == {"/tmp/pushed"}
    assert ended(line, "unsubscribe_file_change", path="/tmp/pushed")["phase"] == "end"


@NEWEST
def test_stream_of_code_waits_for_its_capability_by_name(session: Any) -> None:
    refused(session.code.run("print(1)", "python", stream_beta=True), "'code'")
    good(session.command.execute("true", timeout_ms=ENOUGH))


@NEWEST
def test_stream_that_there_is_none_of_is_refused_by_name_and_the_line_stays(line: Any) -> None:
    for method in ("make_coffee", "pty.create"):
        with pytest.raises(RaisedError, match=method.partition(".")[0]) as told:
            ended(line, method)
        assert "WsRemoteError" in told.value.kinds
    line.send_message(target="nobody", data={"odd": [1]})
    assert ended(line, "subscribe_file_change", path="/tmp")["phase"] == "end"


@NEWEST
def test_several_lines_of_a_session_are_told_each(session: Any, process: Process, line: Any) -> None:
    good(session.file.mkdir("/tmp/two"))
    other = process.find("agb.modules.ws:WsClient")(session.ws_url, session.token)
    heard = [process.make_list(), process.make_list()]
    for each, seen in zip((line, other), heard, strict=True):
        each.register_callback(FILES, seen.append)
        ended(each, "subscribe_file_change", path="/tmp/two")
    good(session.file.write("/tmp/two/f", "1"))
    until(lambda: all(seen.copy() for seen in heard), "both are told")
    other.close()


@NEWEST
@pytest.mark.parametrize("whose", ["nobody's", "another session's", ""])
def test_line_with_a_wrong_token_is_refused(make: Make, process: Process, whose: str) -> None:
    one, two = make(), make()
    token = {"nobody's": "nobody", "another session's": two.token}.get(whose, "")
    line = process.find("agb.modules.ws:WsClient")(one.ws_url, token)
    with pytest.raises(RaisedError, match="403") as told:
        line.connect()
    assert "WsHandshakeRejectedError" in told.value.kinds
    line.close()


@NEWEST
def test_session_that_has_ended_has_no_line(make: Make, cloud: Any, process: Process) -> None:
    session = make()
    good(cloud.delete(session))
    line = process.find("agb.modules.ws:WsClient")(session.ws_url, session.token)
    with pytest.raises(RaisedError, match="404") as told:
        line.connect()
    assert "WsHandshakeRejectedError" in told.value.kinds
    line.close()
