"""Whatever nonsense a caller hands in: the exact error, the value and the remedy told, and nothing left behind."""

from typing import Any

import httpx2
import pytest
from tests.asking import at_socket

import cove
from cove.core.frames import MAX_FRAME
from cove.guest.tools import catalogue

from .conftest import Door, shared_id

pytestmark = pytest.mark.anyio

TOO_MANY = MAX_FRAME // 1_000_000 + 2
"""Megabytes that no call may have."""
NOT_A_PATH = {"a NUL": "a\x00b", "5,000 characters": "x" * 5000, "empty": ""}
TOOLS = {tool.name: tool for tool in catalogue()}
WITH_PATH = [
    (name, field)
    for name, tool in TOOLS.items()
    for field in ("path", "source", "destination")
    if field in tool.example
]
WRONG = {"string": 5, "integer": "five", "number": "five", "boolean": "yes", "array": "all", "object": "none"}
"""For each JSON type a value that is none."""


def wrong_values() -> list[tuple[str, str, Any]]:
    """Tool, argument, and a value of another type than its schema says."""
    found = []
    for name, tool in TOOLS.items():
        for field, schema in tool.input_schema["properties"].items():
            kinds = [schema.get("type"), *(each.get("type") for each in schema.get("anyOf", []))]
            kind = next((kind for kind in kinds if kind in WRONG), "string")
            found.append((name, field, WRONG[kind]))
    return found


def assert_helpful(result: Any, code: str, *words: str) -> None:
    """A refusal of this code, short, without a traceback, that names these words."""
    message = result.error_message
    assert (result.success, result.code) == (False, code), message
    assert 0 < len(message) < 1000
    assert "Traceback" not in message
    assert ".py" not in message
    for word in words:
        assert word in message, message
    with pytest.raises(cove.CoveError):
        result.unwrap()


async def test_unknown_session_is_told_by_every_operation(agent_bay: Any, kind: str, settled: Any) -> None:
    cls = cove.Session if kind == "sync" else cove.AsyncSession
    nobody = cls(agent_bay, "s-nobody")
    asked = (nobody.delete, nobody.pause, nobody.resume, nobody.get_metrics, nobody.list_mcp_tools, nobody.keep_alive)
    for ask in asked:
        assert_helpful(await settled(ask()), "SessionNotFound", "'s-nobody'", "cove session list")
    assert_helpful(await settled(nobody.command.run("true")), "SessionNotFound", "'s-nobody'")
    assert_helpful(await settled(nobody.fs.read_file("a")), "SessionNotFound", "'s-nobody'")
    for ask in (nobody.info, nobody.get_labels):
        with pytest.raises(cove.SessionError, match="no session 's-nobody'; `cove session list`"):
            await settled(ask())


@pytest.mark.parametrize("session_id", ["", ".", "..", None, 5])
async def test_session_id_that_is_none_is_refused_before_it_is_sent(
    session_id: Any, agent_bay: Any, settled: Any
) -> None:
    with pytest.raises(cove.InvalidInput, match="session_id"):
        await settled(agent_bay.get(session_id))


@pytest.mark.parametrize("session_id", ["s-%00", "' OR 1=1 --", "s-\n", "x" * 5000, "🐧"])
async def test_strange_session_id_is_not_found(session_id: str, agent_bay: Any, settled: Any) -> None:
    assert_helpful(await settled(agent_bay.get(session_id)), "SessionNotFound")


async def test_unknown_image_is_told_with_those_that_exist(agent_bay: Any, shared: Any, settled: Any) -> None:
    params = cove.CreateSessionParams(image_id="windows_95")
    assert_helpful(await settled(agent_bay.create(params)), "ImageNotFound", "'windows_95'", "linux_latest")
    assert_helpful(await settled(shared.list_mcp_tools("windows_95")), "ImageNotFound", "'windows_95'", "linux_latest")


async def test_unknown_tool_is_told_with_where_to_look(shared: Any, settled: Any) -> None:
    for name in ("teleport", "shell\x00", "x" * 300):
        refused = await settled(shared.call_mcp_tool(name, {}))
        assert_helpful(refused, "ToolNotFound", "list_mcp_tools()")


async def test_argument_of_a_wrong_type_is_named_by_every_tool(shared: Any, settled: Any) -> None:
    for tool, field, value in wrong_values():
        arguments = {**TOOLS[tool].example, field: value}
        assert_helpful(await settled(shared.call_mcp_tool(tool, arguments)), "InvalidToolArguments", tool, field)


async def test_argument_that_is_missing_is_named_by_every_tool(shared: Any, settled: Any) -> None:
    for tool in TOOLS.values():
        for missing in tool.input_schema.get("required", []):
            arguments = {name: value for name, value in tool.example.items() if name != missing}
            refused = await settled(shared.call_mcp_tool(tool.name, arguments))
            assert_helpful(refused, "InvalidToolArguments", tool.name, missing)


@pytest.mark.parametrize("value", [None, [], "x", 5])
async def test_arguments_that_are_no_dict_are_refused_before_they_are_sent(
    value: Any, shared: Any, settled: Any
) -> None:
    with pytest.raises(cove.InvalidInput, match="args"):
        await settled(shared.call_mcp_tool("shell", value))


@pytest.mark.parametrize("wrong", NOT_A_PATH)
async def test_path_that_is_none_is_refused_by_every_file_tool(wrong: str, shared: Any, settled: Any) -> None:
    for tool, field in WITH_PATH:
        refused = await settled(shared.call_mcp_tool(tool, {**TOOLS[tool].example, field: NOT_A_PATH[wrong]}))
        assert_helpful(refused, "InvalidPath", "5000 bytes" if wrong.startswith("5") else "non-empty")


async def test_several_paths_say_which_of_them_is_none(shared: Any, settled: Any) -> None:
    refused = await settled(shared.fs.read_multiple_files(["a\x00b"]))
    assert not refused.success
    assert "non-empty and hold no NUL" in refused.error_message


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"command": "true", "timeout_ms": 0}, "timeout_ms"),
        ({"command": "true", "timeout_ms": 10**9}, "timeout_ms"),
        ({"command": "true", "user": "nobody"}, "user"),
        ({"command": "true", "envs": {"A": 1}}, "envs"),
    ],
)
async def test_shell_argument_out_of_range_is_named(
    arguments: dict[str, Any], words: str, shared: Any, settled: Any
) -> None:
    refused = await settled(shared.call_mcp_tool("shell", arguments))
    assert_helpful(refused, "InvalidToolArguments", words)


@pytest.mark.parametrize("command", ["", "true\x00"])
async def test_command_that_is_none_is_refused(command: str, shared: Any, settled: Any) -> None:
    assert_helpful(await settled(shared.command.run(command)), "InvalidCommand", "NUL")


@pytest.mark.parametrize(
    "labels", [{}, {"": "a"}, {"a": ""}, {"a": " "}, {"a": 5}, {5: "a"}, ["a"], "a", {"a": "x" * 513}]
)
async def test_labels_that_are_none_change_nothing(labels: Any, session: Any, settled: Any) -> None:
    await settled(session.set_labels({"a": "b"}))
    with pytest.raises(cove.InvalidLabels, match="labels = ") as refused:
        await settled(session.set_labels(labels))
    assert len(str(refused.value)) < 1000
    assert (await settled(session.get_labels())).data == {"a": "b"}


@pytest.mark.parametrize(
    ("params", "error", "words"),
    [
        ({"labels": {"a": 5}}, cove.InvalidLabels, "5"),
        ({"image_id": 5}, cove.InvalidInput, "linux_latest"),
        ({"idle_release_timeout": 0}, cove.InvalidInput, "more than 0"),
        ({"idle_release_timeout": float("nan")}, cove.InvalidInput, "more than 0"),
        ({"idle_release_timeout": True}, cove.InvalidInput, "more than 0"),
        ({"max_lifetime": -1}, cove.InvalidInput, "more than 0"),
        ({"max_lifetime": "soon"}, cove.InvalidInput, "'soon'"),
        ({"max_lifetime": float("inf")}, cove.InvalidInput, "at most"),
        ({"limits": {"memory_bytes": 1}}, cove.InvalidLimit, "memory_bytes"),
        ({"limits": {"pids": 10**9}}, cove.InvalidLimit, "pids"),
        ({"limits": {"cpus": "many"}}, cove.InvalidLimit, "cpus"),
        ({"limits": {"wings": 2}}, cove.InvalidLimit, "wings"),
        ({"limits": {"disk_bytes": float("nan")}}, cove.InvalidLimit, "disk_bytes"),
    ],
)
async def test_session_that_cannot_be_is_not_made(
    params: dict[str, Any], error: type[Exception], words: str, agent_bay: Any, settled: Any
) -> None:
    before = (await settled(agent_bay.list())).total_count
    with pytest.raises(error) as refused:
        await settled(agent_bay.create(cove.CreateSessionParams(**params)))
    assert words in str(refused.value)
    assert (await settled(agent_bay.list())).total_count == before


@pytest.fixture
def http(door: Any) -> Any:
    """A client that sends whatever it is told, through the same door."""
    path = door.endpoint.removeprefix("unix://")
    if path == door.endpoint:
        headers = {"Authorization": f"Bearer {door.api_key}"}
        return httpx2.Client(base_url=door.endpoint, headers=headers, timeout=30)
    return at_socket(path, timeout=30)


DEEP = b'{"arguments": ' + b'{"a": ' * 5000 + b"1" + b"}" * 5001
BODIES = {
    "no JSON": b"{",
    "not UTF-8": b'{"call_id": "\xff\xfe"}',
    "half a character": b'{"call_id": "\\ud800"}',
    "deep": DEEP,
    "a list": b"[]",
    "an unknown field": b'{"colour": "blue"}',
    "nothing": b"",
}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("path", ["/v1/sessions", "/v1/sessions/{}/tools/shell", "/v1/keys"])
def test_body_that_does_not_fit_is_refused_without_a_defect(
    body: str, path: str, http: Any, doors: dict[str, Door]
) -> None:
    path = path.format(shared_id(doors))
    before = http.get("/v1/sessions").json()["total"]
    answer = http.post(path, content=BODIES[body])
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["code"] in ("InvalidInput", "InvalidToolArguments")
    assert "is not valid" in error["message"] or "refuses" in error["message"]
    assert "Traceback" not in answer.text
    assert len(answer.content) < 2000
    assert http.get("/v1/sessions").json()["total"] == before


@pytest.mark.parametrize(("path", "megabytes"), [("/v1/sessions", 2), ("/v1/sessions/s-x/tools/shell", TOO_MANY)])
def test_body_over_the_limit_is_refused(path: str, megabytes: int, http: Any) -> None:
    def pieces() -> Any:
        yield b'{"arguments": {"command": "'
        for _ in range(megabytes):
            yield b"x" * 1_000_000

    try:
        answer = http.post(path, content=pieces())
    except (httpx2.WriteError, httpx2.ReadError, httpx2.RemoteProtocolError):  # it hung up while we were sending
        return
    assert answer.status_code == 413
    assert "send less" in answer.json()["error"]["message"]
