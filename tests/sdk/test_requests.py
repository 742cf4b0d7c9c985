"""What the client sends: once, again after a loss, with which key, id, times and faces."""

import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import anyio.to_thread
import pytest

import cove

pytestmark = pytest.mark.anyio

VIEW = {
    "session_id": "s-1",
    "state": "RUNNING",
    "image_id": "host",
    "labels": {},
    "limits": {},
    "idle_timeout": 300,
    "max_lifetime": 1800,
    "created_at": 1,
    "resource_url": "http://x/?resourceId=1",
}
COMMAND = {"structured": {"stdout": "out\n", "stderr": "err\n", "exit_code": 0}, "text": "the text"}


async def test_a_lost_creation_is_sent_again_under_the_same_key(agent_bay: Any, canned: Any, settled: Any) -> None:
    canned.drop().drop().say(VIEW)
    result = await settled(agent_bay.create())
    assert result.unwrap().session_id == "s-1"
    keys = [seen.headers["idempotency-key"] for seen in canned.seen]
    assert len(keys) == 3
    assert len(set(keys)) == 1


async def test_each_creation_has_a_key_of_its_own(agent_bay: Any, canned: Any, settled: Any) -> None:
    canned.say(VIEW)
    for _ in range(2):
        await settled(agent_bay.create())
    assert len({seen.headers["idempotency-key"] for seen in canned.seen}) == 2


async def test_a_lost_call_is_sent_again_under_the_same_id(session: Any, canned: Any, settled: Any) -> None:
    canned.drop().say(COMMAND)
    result = await settled(session.command.run("date"))
    assert result.output == "out\nerr\n"
    assert len({seen.body["call_id"] for seen in canned.seen}) == 1
    assert len(canned.seen) == 2


async def test_three_losses_are_enough(session: Any, canned: Any, settled: Any) -> None:
    canned.drop()
    with pytest.raises(cove.ConnectionLost, match="shell"):
        await settled(session.command.run("date"))
    assert len(canned.seen) == 3


async def test_a_lost_pause_is_not_sent_again(session: Any, canned: Any, settled: Any) -> None:
    canned.drop()
    with pytest.raises(cove.ConnectionLost):
        await settled(session.pause())
    assert len(canned.seen) == 1


async def test_a_deletion_whose_first_answer_was_lost_has_succeeded(session: Any, canned: Any, settled: Any) -> None:
    canned.drop().refuse("SessionNotFound", 404, session_id="s-1")
    assert (await settled(session.delete())).success


async def test_the_key_is_sent_and_told(kind: str, canned: Any, settled: Any) -> None:
    client = (cove.AgentBay if kind == "sync" else cove.AsyncAgentBay)("secret", endpoint=canned.endpoint)
    canned.say(VIEW)
    session = (await settled(client.get("s-1"))).unwrap()
    assert canned.seen[0].headers["authorization"] == "Bearer secret"
    assert session.get_api_key() == "secret"
    assert session.get_session_id() == "s-1"
    assert (session.image_id, session.resource_url) == ("host", "http://x/?resourceId=1")
    assert session.get_client() is not None


async def test_typed_methods_ask_for_no_text(session: Any, canned: Any, settled: Any) -> None:
    canned.say(COMMAND)
    await settled(session.command.exec("date", cwd="/tmp"))
    assert canned.seen[0].body["text"] is False
    assert canned.seen[0].body["arguments"] == {"command": "date", "timeout_ms": 50000, "cwd": "/tmp"}


async def test_call_mcp_tool_gives_the_text(session: Any, agb_session: Any, canned: Any, settled: Any) -> None:
    canned.say(COMMAND)
    for handle in (session, agb_session):
        result = await settled(handle.call_mcp_tool("shell", {"command": "date"}))
        assert (result.success, result.data) == (True, "the text")
    assert all(seen.body["text"] for seen in canned.seen)


async def test_seconds_here_and_milliseconds_there(session: Any, agb_session: Any, canned: Any, settled: Any) -> None:
    canned.never()
    with pytest.raises(cove.AnswerTimedOut, match=r"within 0.25 s"):
        await settled(session.call_mcp_tool("shell", {"command": "date"}, read_timeout=0.25))
    with pytest.raises(cove.AnswerTimedOut, match=r"within 0.25 s"):
        await settled(agb_session.call_mcp_tool("shell", {"command": "date"}, read_timeout=250))


async def test_agb_gives_a_command_one_second(agb_session: Any, canned: Any, settled: Any) -> None:
    canned.say(COMMAND)
    await settled(agb_session.command.execute("date"))
    assert canned.seen[0].body["arguments"]["timeout_ms"] == 1000


async def test_pages_are_walked_and_end(agent_bay: Any, canned: Any, settled: Any) -> None:
    canned.say({"sessions": [VIEW], "next_cursor": "c2", "total": 2}).say({"sessions": [VIEW], "total": 2})
    second = await settled(agent_bay.list(labels={"a": "b c"}, page=2, limit=1, status="RUNNING"))
    assert second.session_ids == [{"sessionId": "s-1", "sessionStatus": "RUNNING", "imageId": "host"}]
    assert [seen.query for seen in canned.seen] == [
        "status=RUNNING&limit=1&label=a%3Db+c",
        "status=RUNNING&limit=1&label=a%3Db+c&cursor=c2",
    ]
    assert (await settled(agent_bay.list(page=3))).session_ids == []


async def test_a_pause_is_polled_until_it_is_done(session: Any, canned: Any, settled: Any) -> None:
    canned.say({**VIEW, "state": "PAUSING"}).say({**VIEW, "state": "PAUSING"}).say({**VIEW, "state": "PAUSED"})
    result = await settled(session.pause(poll_interval=0.01))
    assert (result.success, result.status) == (True, "PAUSED")
    assert [seen.method for seen in canned.seen] == ["POST", "GET", "GET"]
    assert canned.seen[0].query == "wait=true"


async def test_a_pause_that_never_ends_is_told(session: Any, canned: Any, settled: Any) -> None:
    canned.say({**VIEW, "state": "PAUSING"})
    result = await settled(session.pause(timeout=0.1, poll_interval=0.01))
    assert (result.success, result.code) == (False, "WrongState")


async def test_pause_async_starts_and_does_not_wait(session: Any, canned: Any, settled: Any) -> None:
    canned.say({**VIEW, "state": "PAUSING"})
    result = await settled(session.pause_async())
    assert (result.success, result.status) == (True, "PAUSING")
    assert [seen.query for seen in canned.seen] == ["wait=false"]


async def test_an_ended_session_is_not_found(agent_bay: Any, canned: Any, settled: Any) -> None:
    canned.say({**VIEW, "state": "FINISH"})
    result = await settled(agent_bay.get("s-1"))
    assert (result.success, result.code, result.session) == (False, "SessionNotFound", None)


async def test_a_large_file_is_read_in_stretches(session: Any, canned: Any, settled: Any) -> None:
    canned.say({"structured": {"content": "é" * 3, "encoding": "utf-8", "size": 8, "truncated": True}})
    canned.say({"structured": {"content": "ab", "encoding": "utf-8", "size": 8}})
    result = await settled(session.fs.read_file("/x"))
    assert result.content == "éééab"
    assert [seen.body["arguments"]["offset"] for seen in canned.seen] == [0, 6]


async def test_bytes_travel_as_base64(session: Any, canned: Any, settled: Any) -> None:
    canned.say({"structured": {"content": "AP8=", "encoding": "base64", "size": 2}})
    result = await settled(session.fs.read_file("/x", format="bytes"))
    assert (result.content, result.size) == (b"\x00\xff", 2)
    await settled(session.fs.write_file("/x", b"\x00\xff"))
    assert canned.seen[1].body["arguments"] == {
        "path": "/x",
        "content": "AP8=",
        "mode": "overwrite",
        "format": "binary",
    }


async def test_a_large_file_is_written_in_pieces(session: Any, canned: Any, settled: Any) -> None:
    canned.say({"structured": {"path": "/x", "bytes_written": 1}})
    text = "a" * (16 * 1024 * 1024 + 1)
    assert (await settled(session.fs.write_file("/x", text))).success
    sent = [seen.body["arguments"] for seen in canned.seen]
    assert "".join(piece["content"] for piece in sent) == text
    assert [piece["mode"] for piece in sent] == ["overwrite", "append", "append"]


async def test_a_failing_command_is_data_and_unwraps_to_an_error(session: Any, canned: Any, settled: Any) -> None:
    canned.say({"structured": {"stdout": "", "stderr": "no such\n", "exit_code": 3, "truncated": True}})
    result = await settled(session.command.run("false"))
    assert (result.success, result.exit_code, result.error_message, result.truncated) == (False, 3, "no such", True)
    with pytest.raises(cove.ToolFailed, match="no such"):
        result.unwrap()


async def test_ids_are_quoted_in_paths(agent_bay: Any, canned: Any, settled: Any) -> None:
    canned.refuse("SessionNotFound", 404, session_id="x")
    await settled(agent_bay.get("a/../b?c#d"))
    assert canned.seen[0].path == "/v1/sessions/a%2F..%2Fb%3Fc%23d"


async def test_a_cancelled_task_ends_its_call_in_the_sandbox(canned: Any) -> None:
    canned.never().say({})
    async with cove.AsyncAgentBay(endpoint=canned.endpoint) as agent_bay:
        session = cove.AsyncSession(agent_bay, "s-1")
        with anyio.fail_after(60):
            async with anyio.create_task_group() as group:
                group.start_soon(session.command.run, "sleep 1000")
                await wait_until(lambda: len(canned.seen) == 1)
                group.cancel_scope.cancel()
        await wait_until(lambda: len(canned.seen) == 2)
        call_id = canned.seen[0].body["call_id"]
        assert [(seen.method, seen.path) for seen in canned.seen[1:]] == [
            ("DELETE", f"/v1/sessions/s-1/calls/{call_id}")
        ]


def test_ctrl_c_ends_the_call_in_the_sandbox(canned: Any) -> None:
    code = "import cove, sys; s = cove.Session(cove.AgentBay(endpoint=sys.argv[1]), 's-1'); s.command.run('sleep 1000')"
    canned.never().say({})
    child = subprocess.Popen([sys.executable, "-c", code, canned.endpoint], stderr=subprocess.PIPE)
    try:
        anyio.run(wait_until, lambda: len(canned.seen) == 1)
        child.send_signal(signal.SIGINT)
        _, stderr = child.communicate(timeout=60)
    finally:
        child.kill()
        child.wait()
    assert b"KeyboardInterrupt" in stderr
    anyio.run(wait_until, lambda: len(canned.seen) == 2)
    assert [seen.method for seen in canned.seen] == ["POST", "DELETE"]


async def wait_until(is_done: Callable[[], bool]) -> None:
    with anyio.fail_after(60):
        while not is_done():  # noqa: ASYNC110 - what is waited for happens in another thread
            await anyio.sleep(0.01)


async def test_one_async_client_serves_one_loop_after_another(canned: Any) -> None:
    canned.say(VIEW)
    agent_bay = cove.AsyncAgentBay(endpoint=canned.endpoint)

    def look() -> str:
        return anyio.run(cove.AsyncSession(agent_bay, "s-1").get_status).status

    assert [await anyio.to_thread.run_sync(look) for _ in range(2)] == ["RUNNING", "RUNNING"]


def test_one_sync_client_serves_many_threads(canned: Any) -> None:
    canned.say(VIEW)
    session = cove.Session(cove.AgentBay(endpoint=canned.endpoint), "s-1")
    with ThreadPoolExecutor(20) as threads:
        results = list(threads.map(lambda _: session.get_status(), range(100)))
    assert all(result.success for result in results)


@pytest.mark.parametrize("client", ["AgentBay", "AsyncAgentBay"])
def test_a_client_never_closed_says_nothing_at_exit(client: str, canned: Any) -> None:
    canned.say(VIEW)
    use = "a.get('s-1')" if client == "AgentBay" else "asyncio.run(a.get('s-1'))"
    code = f"import asyncio, cove, sys; a = cove.{client}(endpoint=sys.argv[1]); {use}"
    command = [sys.executable, "-W", "default", "-c", code, canned.endpoint]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


async def test_a_link_that_ends_is_asked_for_once_and_one_that_lasts_again(
    session: Any, canned: Any, settled: Any
) -> None:
    canned.drop()
    for options, tries in (({"expires_in": 60}, 1), ({}, 3)):
        before = len(canned.seen)
        with pytest.raises(cove.ConnectionLost):
            await settled(session.get_link("https", 30100, **options))
        assert len(canned.seen) - before == tries
    assert canned.seen[0].body == {"protocol_type": "https", "port": 30100, "expires_in": 60}
