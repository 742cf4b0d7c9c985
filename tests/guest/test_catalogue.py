"""Every tool, as the catalogue describes it: a new tool is covered the day it appears."""

from pathlib import Path

import pytest

from cove.core.errors import InvalidToolArguments, ToolNotFound
from cove.core.tool import AnsweredBy, Tool
from cove.guest import Guest, GuestSettings
from cove.guest.tools import catalogue

TOOLS = catalogue()


@pytest.fixture
def guest(tmp_path: Path) -> Guest:
    (tmp_path / "tmp").mkdir()
    (tmp_path / "home").mkdir()
    return Guest(GuestSettings(home="/home", root=str(tmp_path), switch_user=False))


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_schemas_are_whole_objects(tool: Tool) -> None:
    for schema in (tool.input_schema, tool.output_schema):
        assert schema["type"] == "object"
        assert "$ref" not in str(schema)
    assert tool.input_schema["additionalProperties"] is False
    assert tool.description.endswith(".")
    assert set(tool.input_schema.get("required", [])) <= tool.example.keys()


@pytest.mark.parametrize("is_forked", [True, False])
def test_examples_work_in_the_order_of_the_catalogue(tmp_path: Path, is_forked: bool) -> None:
    (tmp_path / "tmp").mkdir()
    (tmp_path / "home").mkdir()
    settings = GuestSettings(home="/home", root=str(tmp_path), switch_user=False, fork_file_tools=is_forked)
    guest = Guest(settings)
    for tool in TOOLS:
        if tool.answered_by is AnsweredBy.GUEST:
            outcome = guest.call(tool.name, tool.example)
            assert outcome.failure is None, outcome
            assert outcome.structured is not None
            assert outcome.structured.keys() == tool.output_schema["properties"].keys()


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
@pytest.mark.parametrize("arguments", [{"surprise": 1}, [], "text", None, {1: 2}])
def test_arguments_that_do_not_fit_are_refused(guest: Guest, tool: Tool, arguments: object) -> None:
    with pytest.raises(InvalidToolArguments, match=tool.name):
        guest.call(tool.name, arguments)  # type: ignore[arg-type] - wrong on purpose


@pytest.mark.parametrize(
    "tool", [tool for tool in TOOLS if tool.input_schema.get("required")], ids=lambda tool: tool.name
)
def test_arguments_of_the_wrong_type_are_refused_by_name(guest: Guest, tool: Tool) -> None:
    name = tool.input_schema["required"][0]
    with pytest.raises(InvalidToolArguments, match=name):
        guest.call(tool.name, tool.example | {name: 5.5})


def test_unknown_tool_is_refused(guest: Guest) -> None:
    with pytest.raises(ToolNotFound, match="fly"):
        guest.call("fly", {})


def test_metrics_are_not_the_guests_to_tell(guest: Guest) -> None:
    assert {tool.name for tool in TOOLS if tool.answered_by is AnsweredBy.NODE} == {"get_metrics"}
    failure = guest.call("get_metrics", {}).failure
    assert failure is not None
    assert failure.code == "NotSupported"
