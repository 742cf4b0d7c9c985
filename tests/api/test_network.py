"""What a session may reach, seen by a user of either client through either door."""

from typing import Any

import pytest
from tests.serving import IS_REAL

import cove

pytestmark = pytest.mark.anyio

DIAL = (
    'python3 -c \'import socket\ntry:\n    socket.create_connection(("198.51.100.1", 80), 40).recv(1)\n'
    "except OSError as error:\n    print(type(error).__name__)'"
)


async def test_policy_is_open_unless_it_was_asked_for(session: Any, settled: Any) -> None:
    assert (await settled(session.network.get())).unwrap() == cove.NetworkPolicy(mode="open")


@pytest.mark.parametrize(
    ("network", "policy"),
    [
        ("none", cove.NetworkPolicy(mode="none")),
        ({"mode": "rules", "allow": ["a.test"]}, cove.NetworkPolicy(mode="rules", allow=("a.test",))),
        (cove.NetworkPolicy(deny=("c.test",)), cove.NetworkPolicy(mode="open", deny=("c.test",))),
    ],
)
async def test_policy_is_set_at_birth_and_while_the_session_runs(
    agent_bay: Any, session: Any, settled: Any, network: Any, policy: cove.NetworkPolicy
) -> None:
    made = (await settled(agent_bay.create(cove.CreateSessionParams(network=network)))).unwrap()
    assert (await settled(made.network.get())).unwrap() == policy
    assert (await settled(made.info())).unwrap().view.network == policy
    await settled(made.delete())
    assert (await settled(session.network.set(network))).unwrap() == policy
    assert (await settled(session.network.get())).unwrap() == policy


async def test_refused_connection_is_in_the_log(session: Any, settled: Any) -> None:
    (await settled(session.command.execute_command(DIAL))).unwrap()
    if not IS_REAL:
        return  # nobody watches
    result = await settled(session.network.log())
    assert [(line.number, line.host, line.port, line.verdict) for line in result.unwrap()] == [
        (1, "198.51.100.1", 80, "refused")
    ]
    assert result.after == 1
    assert (await settled(session.network.log(after=1))).unwrap() == []


async def test_caller_s_mistakes_raise_and_the_service_s_refusals_do_not(
    agent_bay: Any, session: Any, settled: Any
) -> None:
    with pytest.raises(cove.InvalidNetwork, match="no-such-mode"):
        await settled(session.network.set("no-such-mode"))
    with pytest.raises(cove.InvalidInput):
        await settled(session.network.log(after="first"))
    with pytest.raises(cove.InvalidNetwork):
        await settled(agent_bay.create(cove.CreateSessionParams(network={"mode": "open", "allow": ["a.test"]})))
    gone = type(session)(agent_bay, "s-none")
    for refused in (gone.network.get(), gone.network.set("none"), gone.network.log()):
        result = await settled(refused)
        assert (result.success, result.code) == (False, "SessionNotFound")
