"""What AgentBay's clients are told when something is refused, and what the log says of it: once, and no secret."""

from collections.abc import Callable, Iterator
from string import Formatter
from typing import Any

import httpx2
import msgspec
import pytest
from tests.asking import at_socket

from cove.compat.agentbay.refusals import refusal
from cove.core import errors
from cove.core.errors import CoveError, SandboxFailed
from cove.testing import Cove, running_cove

Ask = Callable[..., dict[str, Any]]
Fail = Callable[[str, Exception], None]


def _all(cls: type[CoveError] = CoveError) -> Iterator[type[CoveError]]:
    yield cls
    for child in cls.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from _all(child)


@pytest.mark.parametrize("cls", list(_all()), ids=lambda cls: cls.__name__)
def test_every_error_has_a_code_a_status_and_a_sentence(cls: type[CoveError]) -> None:
    facts = {name: "x" for _, name, _, _ in Formatter().parse(cls.sentence) if name}
    answer = refusal(cls(**facts), "r-1")
    body = msgspec.json.decode(answer.body)
    assert set(body) == {"Code", "HttpStatusCode", "Message", "RequestId", "Success"}
    assert (body["HttpStatusCode"], body["RequestId"], body["Success"]) == (answer.status, "r-1", False)
    assert answer.status >= 400
    assert body["Code"]
    assert body["Message"]


def test_refusal_is_logged_once_without_key_or_arguments(ask: Ask, key: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    answer = ask("CallMcpTool", SessionId="s-none", Name="shell", Args='{"command": "echo s3cret"}')
    lines = [record.getMessage() for record in caplog.records if answer["RequestId"] in record.getMessage()]
    assert len(lines) == 1
    assert "CallMcpTool" in lines[0]
    assert "SessionNotFound" in lines[0]
    for secret in (key, "s3cret", "Traceback"):
        assert secret not in caplog.text


def test_wrong_key_is_in_no_log(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    ask("ListSession", Authorization="Bearer cove_k-wrong_but_secret")
    assert "KeyInvalid" in caplog.text
    assert "wrong_but_secret" not in caplog.text


@pytest.fixture
def failing(cove: Cove) -> Iterator[Fail]:
    """Makes one kind of operation of the driver fail until the test ends."""
    usual = cove.driver.before

    def fail(operation: str, error: Exception) -> None:
        async def before(what: str, _: str) -> None:
            if what == operation:
                raise error

        cove.driver.before = before

    yield fail
    cove.driver.before = usual


def test_defect_is_told_by_its_request_alone(ask: Ask, failing: Fail, caplog: pytest.LogCaptureFixture) -> None:
    failing("create", ZeroDivisionError("a defect"))
    answer = ask("CreateMcpSession")
    assert (answer["status"], answer["Code"]) == (500, "InternalError")
    assert answer["RequestId"] in answer["Message"]
    assert "ZeroDivisionError" not in answer["Message"]
    assert "ZeroDivisionError" in caplog.text


def test_sandbox_that_fails_is_told(ask: Ask, failing: Fail) -> None:
    failing("create", SandboxFailed(reason="no overlay"))
    answer = ask("CreateMcpSession")
    assert (answer["status"], answer["Code"], answer["Message"]) == (502, "SandboxFailed", "no overlay")


def test_full_machine_and_busy_server_say_when_to_ask_again() -> None:
    def ask(cove: Cove) -> httpx2.Response:
        with at_socket(cove.socket, timeout=30) as client:
            return client.post("/?Action=CreateMcpSession", data={"Authorization": f"Bearer {cove.api_key}"})

    with running_cove(slots=0) as cove:
        full = ask(cove)
    with running_cove(most_requests=0) as cove:
        busy = ask(cove)
    assert (full.status_code, full.json()["Code"], full.headers["retry-after"]) == (503, "ServiceUnavailable", "5")
    assert (busy.status_code, busy.json()["Code"], busy.headers["retry-after"]) == (429, "Throttling", "1")
