"""Each tool, as its own example calls it, through every layer: a new tool is covered the day it appears."""

from typing import Any

import pytest

from cove.guest.tools import catalogue

pytestmark = pytest.mark.anyio
TOOLS = catalogue()


async def test_the_server_lists_the_catalogue_as_it_stands(shared: Any, settled: Any) -> None:
    listed = (await settled(shared.list_mcp_tools())).tools

    assert [(tool.name, tool.server, tool.description) for tool in listed] == [
        (tool.name, tool.server, tool.description) for tool in TOOLS
    ]
    assert [tool.input_schema for tool in listed] == [tool.input_schema for tool in TOOLS]


async def test_every_example_works_in_a_session(session: Any, settled: Any) -> None:
    for tool in TOOLS:
        result = await settled(session.call_mcp_tool(tool.name, tool.example))
        assert result.success, (tool.name, result.error_message)
        assert isinstance(result.data, str), tool.name


async def test_every_example_works_in_an_agb_session(agb_session: Any, settled: Any) -> None:
    for tool in TOOLS:
        result = await settled(agb_session.call_mcp_tool(tool.name, tool.example))
        assert result.success, (tool.name, result.error_message)


async def test_every_tool_refuses_what_its_schema_does_not_name(shared: Any, settled: Any) -> None:
    for tool in TOOLS:
        result = await settled(shared.call_mcp_tool(tool.name, {**tool.example, "surprise": 1}))
        assert (result.success, result.code) == (False, "InvalidToolArguments"), tool.name
        assert "surprise" in result.error_message, tool.name
