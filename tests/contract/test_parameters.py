"""Nothing that a client can send is dropped unawares: it acts, or is refused, or is told to change nothing."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract.clients import AGB, AGENTBAY, Client
from tests.contract.installing import python_of

from cove.compat.agb.requests import camel
from cove.compat.agentbay.requests import pascal
from cove.compat.operations import ACTIONS, ENDPOINTS, Operation

_LIFETIMES = {"idle_timeout": "timeout", "max_lifetime": "max_runtime"}
"""What operations count in seconds, under the clients' names."""
_OF_EVERY_CALL = {"Authorization"}
_AGB_MODELS = {
    "call_mcp_tool": "POST /mcp",
    "create_session": "POST /mcp/createSession",
    "get_label": "GET /sdk/GetLabel",
    "list_mcp_tools": "POST /mcp/listTools",
    "list_session": "GET /sdk/ListSession",
    "set_label": "POST /sdk/SetLabel",
}
"""The files of AGB's client that put parameters into a map themselves, and more of them than a session's id."""
_INSIDE_PARAMETERS = {"path", "policy"}
"""What stands in the list of contexts."""


def _source(client: Client) -> Path:
    (package,) = Path(python_of(client)).parent.parent.glob(f"lib/python*/site-packages/{client.package}")
    return package / "api"


def _known(operation: Operation) -> set[str]:
    names = {*operation.request.__struct_fields__, *operation.ignores}
    return {_LIFETIMES.get(name, name) for name in names}


def _agentbay_sends(client: Client) -> Iterator[tuple[Operation, set[str]]]:
    """Each action that works, and the parameters that the client's own code can give it."""
    functions = re.split(r"^    (?:async )?def ", (_source(client) / "client.py").read_text(), flags=re.MULTILINE)
    for function in functions:
        named = re.search(r"""action=["'](\w+)["']""", function)
        if named and not ACTIONS[named[1]].lacks:
            yield ACTIONS[named[1]], set(re.findall(r"""(?:body|query)\[["'](\w+)["']\]""", function))


def _agb_sends(client: Client) -> Iterator[tuple[Operation, set[str]]]:
    for name, endpoint in _AGB_MODELS.items():
        model = _source(client) / "models" / f"{name}_request.py"
        if model.exists():
            found = re.findall(r"""(?:params|body|result)\[["'](\w+)["']\] *=""", model.read_text())
            yield ENDPOINTS[endpoint], set(found)


@pytest.mark.parametrize("client", [each for each in AGENTBAY if not each.is_async], ids=lambda client: client.id)
def test_every_parameter_of_agentbays_client_is_known(client: Client) -> None:
    sent = list(_agentbay_sends(client))
    unknown = [
        (operation.action, names - {pascal(name) for name in _known(operation)} - _OF_EVERY_CALL)
        for operation, names in sent
    ]
    assert len({operation.action for operation, _ in sent}) >= 10
    assert not [each for each in unknown if each[1]]


@pytest.mark.parametrize("client", AGB, ids=lambda client: client.id)
def test_every_parameter_of_agbs_client_is_known(client: Client) -> None:
    sent = list(_agb_sends(client))
    unknown = [
        (operation.action, names - {"Labels", *map(camel, _known(operation))} - _INSIDE_PARAMETERS)
        for operation, names in sent
    ]
    assert sum(len(names) for _, names in sent) >= 5
    assert not [each for each in unknown if each[1]]
