"""What a method does when the service refuses, and when nothing valid comes back: the table of the reference."""

from collections.abc import Callable
from typing import Any

import pytest

import cove

pytestmark = pytest.mark.anyio

RAISES: dict[str, Callable[[Any], Any]] = {
    "set_labels": lambda s: s.set_labels({"a": "b"}),
    "get_labels": lambda s: s.get_labels(),
    "info": lambda s: s.info(),
    "get_link": lambda s: s.get_link("https", 30100),
    "get_link_async": lambda s: s.get_link_async("https", 30100),
}
RETURNS: dict[str, Callable[[Any], Any]] = {
    "delete": lambda s: s.delete(),
    "list_links": lambda s: s.list_links(),
    "revoke_link": lambda s: s.revoke_link("l-1"),
    "get_status": lambda s: s.get_status(),
    "keep_alive": lambda s: s.keep_alive(),
    "get_metrics": lambda s: s.get_metrics(),
    "list_mcp_tools": lambda s: s.list_mcp_tools(),
    "list_mcp_tools of an image": lambda s: s.list_mcp_tools("host"),
    "call_mcp_tool": lambda s: s.call_mcp_tool("shell", {"command": "true"}),
    "pause": lambda s: s.pause(),
    "pause_async": lambda s: s.pause_async(),
    "beta_pause": lambda s: s.beta_pause(),
    "resume": lambda s: s.resume(),
    "resume_async": lambda s: s.resume_async(),
    "beta_resume": lambda s: s.beta_resume(),
    "client.get": lambda s: s.agent_bay.get("s-1"),
    "client.list": lambda s: s.agent_bay.list(),
    "client.create": lambda s: s.agent_bay.create(),
    "client.delete": lambda s: s.agent_bay.delete(s),
    "client.beta_pause": lambda s: s.agent_bay.beta_pause(s),
    "client.beta_resume": lambda s: s.agent_bay.beta_resume(s),
    "command.execute_command": lambda s: s.command.execute_command("true"),
    "env.set": lambda s: s.env.set({"A": "b"}),
    "env.get": lambda s: s.env.get(),
    "create_directory": lambda s: s.fs.create_directory("/x"),
    "delete_file": lambda s: s.fs.delete_file("/x"),
    "edit_file": lambda s: s.fs.edit_file("/x", [{"oldText": "a", "newText": "b"}]),
    "get_file_info": lambda s: s.fs.get_file_info("/x"),
    "list_directory": lambda s: s.fs.list_directory("/x"),
    "move_file": lambda s: s.fs.move_file("/x", "/y"),
    "read_multiple_files": lambda s: s.fs.read_multiple_files(["/x"]),
    "search_files": lambda s: s.fs.search_files("/x", "*"),
    "read_file": lambda s: s.fs.read_file("/x"),
    "read_file as bytes": lambda s: s.fs.read_file("/x", format="bytes"),
    "write_file": lambda s: s.fs.write_file("/x", "text"),
    "write_file of bytes": lambda s: s.fs.write_file("/x", b"bytes"),
    "get_file_change": lambda s: s.fs.get_file_change("/x"),
}
ALL = {**RAISES, **RETURNS}
TOOL_CALLS = [name for name in RETURNS if name.split(".")[0] in ("command", "env") or "file" in name or "dir" in name]


@pytest.mark.parametrize("name", RAISES)
async def test_four_methods_raise_session_error_when_refused(
    name: str, session: Any, canned: Any, settled: Any
) -> None:
    canned.refuse("SessionNotFound", 404, session_id="s-1")
    with pytest.raises(cove.SessionError, match="no session 's-1'") as caught:
        await settled(RAISES[name](session))
    assert isinstance(caught.value.__cause__, cove.SessionNotFound)
    assert caught.value.facts["code"] == "SessionNotFound"


@pytest.mark.parametrize("name", RETURNS)
async def test_all_others_return_the_refusal(name: str, session: Any, canned: Any, settled: Any) -> None:
    canned.refuse("SessionNotFound", 404, session_id="s-1")
    result = await settled(RETURNS[name](session))
    assert (result.success, result.code, result.http_status_code) == (False, "SessionNotFound", 404)
    assert not result
    assert "no session 's-1'" in result.error_message
    assert result.request_id == "r-1"
    with pytest.raises(cove.SessionNotFound):
        result.unwrap()


@pytest.mark.parametrize("name", TOOL_CALLS)
async def test_what_a_tool_reports_is_a_refusal_too(name: str, session: Any, canned: Any, settled: Any) -> None:
    canned.say({"failure": {"code": "NoSuchFile", "message": "no file at '/x'"}})
    result = await settled(RETURNS[name](session))
    assert (result.success, result.code, result.error_message) == (False, "NoSuchFile", "no file at '/x'")
    with pytest.raises(cove.ToolFailed):
        result.unwrap()


@pytest.mark.parametrize("body", [b"<html>It works!</html>", b'{"a": 1', b"\xff\xfe", b"[" * 100_000, b"null"])
@pytest.mark.parametrize("status", [200, 302, 404, 500])
async def test_what_no_cove_would_say_raises(status: int, body: bytes, session: Any, canned: Any, settled: Any) -> None:
    canned.say(body, status)
    with pytest.raises(cove.AnswerMalformed, match="GET /v1/sessions/s-1"):
        await settled(session.get_status())


@pytest.mark.parametrize("name", ALL)
async def test_malformed_answers_raise_in_every_method(name: str, session: Any, canned: Any, settled: Any) -> None:
    canned.say(b"<html>", 502)
    with pytest.raises(cove.AnswerMalformed):
        await settled(ALL[name](session))


@pytest.mark.parametrize("name", TOOL_CALLS)
async def test_a_tool_result_of_another_shape_raises(name: str, session: Any, canned: Any, settled: Any) -> None:
    canned.say({"structured": 5})
    with pytest.raises(cove.AnswerMalformed):
        await settled(ALL[name](session))


@pytest.mark.parametrize("name", ALL)
async def test_an_absent_server_raises_in_every_method_and_names_the_remedy(
    name: str, session: Any, canned: Any, settled: Any
) -> None:
    canned.close()
    with pytest.raises(cove.ServerUnreachable, match=f"{canned.endpoint}.*cove up"):
        await settled(ALL[name](session))


async def test_answers_that_are_not_http_raise(session: Any, canned: Any, settled: Any) -> None:
    canned.say_raw(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")
    with pytest.raises(cove.AnswerMalformed):
        await settled(session.get_status())


async def test_a_refusal_from_the_future_keeps_its_sentence(session: Any, canned: Any, settled: Any) -> None:
    canned.refuse("QuotaOfNextYear", 429, message="too much of something new")
    result = await settled(session.keep_alive())
    assert (result.code, result.error_message) == ("QuotaOfNextYear", "too much of something new")


async def test_a_silent_server_is_named_with_how_long_it_was_silent(session: Any, canned: Any, settled: Any) -> None:
    canned.never()
    with pytest.raises(cove.AnswerTimedOut, match=r"metrics within 0.2 s") as caught:
        await settled(session.get_metrics(read_timeout=0.2))
    assert caught.value.facts["seconds"] == 0.2


PROGRAMMERS_ERRORS: dict[str, Callable[[Any], Any]] = {
    "labels that are empty": lambda s: s.set_labels({}),
    "labels that are blank": lambda s: s.set_labels({"a": " "}),
    "labels that are not text": lambda s: s.set_labels({"a": 1}),
    "labels that are no map": lambda s: s.set_labels(["a"]),
    "arguments that are no map": lambda s: s.call_mcp_tool("shell", ["ls"]),
    "arguments that are not JSON": lambda s: s.call_mcp_tool("shell", {"command": b"ls"}),
    "arguments that are no number": lambda s: s.call_mcp_tool("shell", {"timeout_ms": float("nan")}),
    "arguments that are no Unicode": lambda s: s.call_mcp_tool("shell", {"command": "\ud800"}),
    "a tool without a name": lambda s: s.call_mcp_tool("", {}),
    "a timeout of nothing": lambda s: s.call_mcp_tool("shell", {"command": "ls"}, read_timeout=0),
    "a timeout that is text": lambda s: s.get_metrics(read_timeout="1"),
    "a command's timeout of nothing": lambda s: s.command.run("ls", timeout_ms=0),
    "a pause of no time": lambda s: s.pause(timeout=-1),
    "content that is a number": lambda s: s.fs.write_file("/x", 5),
    "a format that is none": lambda s: s.fs.read_file("/x", format="hex"),
    "variables that are no map": lambda s: s.env.set("A=b"),
    "a page before the first": lambda s: s.agent_bay.list(page=0),
    "a limit of nothing": lambda s: s.agent_bay.list(limit=0),
    "an id that is empty": lambda s: s.agent_bay.get(""),
    "an id that climbs": lambda s: s.agent_bay.get(".."),
    "an id that is no text": lambda s: s.agent_bay.get(None),
    "no time to live": lambda s: s.agent_bay.create(cove.CreateSessionParams(max_lifetime=0)),
    "an unknown limit": lambda s: s.agent_bay.create(cove.CreateSessionParams(limits={"cpu": 1})),
    "a limit out of range": lambda s: s.agent_bay.create(cove.CreateSessionParams(limits={"cpus": -1})),
    "an image that is no text": lambda s: s.agent_bay.create(cove.CreateSessionParams(image_id=5)),
}


@pytest.mark.parametrize("name", PROGRAMMERS_ERRORS)
async def test_programmers_errors_raise_before_anything_is_sent(
    name: str, session: Any, canned: Any, settled: Any
) -> None:
    with pytest.raises(cove.InvalidInput):
        await settled(PROGRAMMERS_ERRORS[name](session))
    assert canned.seen == []


async def test_auto_gen_session_is_refused_clearly(session: Any, settled: Any) -> None:
    with pytest.raises(cove.NotSupported, match="auto_gen_session=True is not supported here: make a session"):
        await settled(session.call_mcp_tool("shell", {"command": "ls"}, auto_gen_session=True))


async def test_agb_refuses_in_its_own_words(agb: Any, agb_session: Any, canned: Any, settled: Any) -> None:
    said = {
        "params is required and cannot be None": agb.create(),
        "image_id is required and cannot be empty or None": agb.create(cove.CreateSessionParams(image_id=" ")),
        "session_id is required": agb.get(""),
        "Labels cannot be empty. Please provide at least one label.": agb_session.set_labels({}),
    }
    for sentence, outcome in said.items():
        result = await settled(outcome)
        assert (result.success, result.error_message) == (False, sentence)
        with pytest.raises(cove.InvalidInput):
            result.unwrap()
    assert canned.seen == []
