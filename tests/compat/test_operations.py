"""The registry of operations: every action and endpoint of the official clients is known, built or not."""

from collections.abc import Callable
from typing import Any

import pytest

from cove.compat.operations import ACTIONS, ENDPOINTS, OPERATIONS, Operation
from cove.compat.operations.known_tools import LACKING
from cove.core.errors import NotSupported
from cove.guest.tools import catalogue

AGENTBAY = 38
AGB = 30
NOT_BUILT = [operation for operation in OPERATIONS if operation.lacks]


def test_every_action_and_endpoint_of_the_clients_is_known_once() -> None:
    assert len(OPERATIONS) == len(ACTIONS) == AGENTBAY
    assert len(ENDPOINTS) == sum(len(operation.agb) for operation in OPERATIONS) == AGB


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.action)
def test_operation_can_be_asked_for_with_nothing(operation: Operation) -> None:
    operation.request()
    assert operation.summary
    assert operation.methods


@pytest.mark.anyio
@pytest.mark.parametrize("operation", NOT_BUILT, ids=lambda operation: operation.action)
async def test_operation_that_is_not_built_names_what_it_lacks(operation: Operation) -> None:
    run: Callable[..., Any] = operation.run
    with pytest.raises(NotSupported, match=operation.lacks):
        await run(None, None, operation.request())


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.action)
def test_what_an_operation_refuses_is_read_and_asks_for_nothing_by_itself(operation: Operation) -> None:
    request = operation.request()
    assert not any(getattr(request, name) for name in operation.refuses)


def test_tools_that_wait_for_a_capability_are_not_those_that_there_are() -> None:
    assert not set(LACKING) & {tool.name for tool in catalogue()}
