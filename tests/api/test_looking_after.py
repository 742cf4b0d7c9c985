"""Sessions that look after themselves, and room that runs out: by either client, through either door."""

import asyncio
import inspect
import secrets
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest

import cove

from .conftest import Door

pytestmark = pytest.mark.anyio
BOUND = 60.0


async def _until(settled: Any, session: Any, status: str) -> None:
    """Wait until the session has this status; looking at it counts as no use."""
    with anyio.fail_after(BOUND):
        while (await settled(session.get_status())).status != status:  # noqa: ASYNC110 - the state is asked for
            await anyio.sleep(0.02)


@pytest.fixture
def tenant(doors: dict[str, Door]) -> tuple[str, str]:
    """A tenant of this test's own, and its key."""
    name = f"tenant-{secrets.token_hex(4)}"
    with cove.AgentBay(endpoint=doors["unix"].endpoint) as operator:
        return name, operator.server.create_key(name).secret


@pytest.fixture
async def theirs(kind: str, door: Door, tenant: tuple[str, str], settled: Any) -> AsyncIterator[Any]:
    """The tenant's client; what it has made is ended."""
    client = (cove.AgentBay if kind == "sync" else cove.AsyncAgentBay)(tenant[1], endpoint=door.endpoint)
    yield client
    for entry in (await settled(client.list(limit=100))).unwrap():
        await settled((await settled(client.get(entry["sessionId"]))).unwrap().delete())
    await settled(client.close())


async def test_idle_session_is_paused_and_wakes_for_the_next_call(agent_bay: Any, settled: Any) -> None:
    session = (await settled(agent_bay.create(cove.CreateSessionParams(idle_release_timeout=0.5)))).unwrap()
    try:
        await _until(settled, session, "PAUSED")
        view = (await settled(session.info())).unwrap().view
        assert (view.state, view.idle_paused, view.on_idle) == ("PAUSED", True, "pause")
        assert (await settled(session.command.run("echo awake"))).unwrap() == "awake\n"
    finally:
        await settled(session.delete())


async def test_idle_session_is_released_where_that_was_asked(agent_bay: Any, settled: Any) -> None:
    params = cove.CreateSessionParams(idle_release_timeout=0.5, on_idle="release")
    session = (await settled(agent_bay.create(params))).unwrap()
    await _until(settled, session, "FINISH")
    assert (await settled(session.info())).unwrap().view.end_reason == "idle"
    assert (await settled(session.command.run("true"))).code == "SessionNotFound"


@pytest.mark.parametrize(("kind", "door"), [("async", "unix")], indirect=True)  # it takes its time
async def test_kept_alive_session_is_not_idle(agent_bay: Any, settled: Any) -> None:
    params = cove.CreateSessionParams(idle_release_timeout=6)
    left, kept = [(await settled(agent_bay.create(params))).unwrap() for _ in range(2)]
    try:
        with anyio.fail_after(BOUND):
            while (await settled(left.get_status())).status != "PAUSED":
                assert (await settled(kept.keep_alive())).success
                await anyio.sleep(0.2)
        assert (await settled(kept.get_status())).status == "RUNNING"
    finally:
        for session in (kept, left):
            await settled(session.delete())


async def test_session_says_that_its_lifetime_ended_it(agent_bay: Any, settled: Any) -> None:
    session = (await settled(agent_bay.create(cove.CreateSessionParams(max_lifetime=0.5)))).unwrap()
    await _until(settled, session, "FINISH")
    assert (await settled(session.info())).unwrap().view.end_reason == "lifetime"


@pytest.mark.parametrize("value", ["sleep", "", 7])
async def test_unknown_wish_for_idleness_raises(agent_bay: Any, settled: Any, value: Any) -> None:
    with pytest.raises(cove.InvalidInput, match="pause, release"):
        await settled(agent_bay.create(cove.CreateSessionParams(on_idle=value)))


async def test_session_is_got_by_its_labels_or_made(theirs: Any, settled: Any) -> None:
    params = cove.CreateSessionParams(labels={"task": "build", "team": "blue"})
    made = (await settled(theirs.get_or_create(params))).unwrap()
    assert (await settled(made.command.run("echo one > ~/note && cat ~/note"))).unwrap() == "one\n"
    again = (await settled(theirs.get_or_create(cove.CreateSessionParams(labels={"task": "build"})))).unwrap()
    assert (again.session_id, type(again)) == (made.session_id, type(made))
    assert (await settled(again.command.run("cat ~/note"))).unwrap() == "one\n"
    other = (await settled(theirs.get_or_create(cove.CreateSessionParams(labels={"task": "test"})))).unwrap()
    assert other.session_id != made.session_id


async def test_all_who_ask_at_once_get_the_same_session(theirs: Any, settled: Any) -> None:
    params = cove.CreateSessionParams(labels={"task": "shared"})
    found: list[str] = []

    async def ask() -> None:
        if inspect.iscoroutinefunction(theirs.get_or_create):
            result = await theirs.get_or_create(params)
        else:
            result = await asyncio.to_thread(theirs.get_or_create, params)
        found.append(result.unwrap().session_id)

    async with anyio.create_task_group() as group:
        for _ in range(6):
            group.start_soon(ask)
    assert len(set(found)) == 1
    assert (await settled(theirs.list())).total_count == 1


async def test_agb_gets_by_labels_too(agb: Any, settled: Any) -> None:
    labels = {"task": secrets.token_hex(4)}
    params = cove.CreateSessionParams(labels=labels, image_id="agb-code-space-1")
    made = (await settled(agb.get_or_create(params))).unwrap()
    assert (await settled(agb.get_or_create(params))).unwrap().session_id == made.session_id
    await settled(made.delete())


@pytest.mark.parametrize("labels", [None, {}])
async def test_getting_by_labels_wants_labels(agent_bay: Any, agb: Any, settled: Any, labels: Any) -> None:
    for client in (agent_bay, agb):
        with pytest.raises(cove.InvalidLabels):
            await settled(client.get_or_create(cove.CreateSessionParams(labels=labels)))


async def test_idempotency_key_makes_one_session(theirs: Any, settled: Any) -> None:
    made = (await settled(theirs.create(idempotency_key="order-7"))).unwrap()
    assert (await settled(theirs.create(idempotency_key="order-7"))).unwrap().session_id == made.session_id
    other = cove.CreateSessionParams(max_lifetime=60)
    refused = await settled(theirs.create(other, idempotency_key="order-7"))
    assert (refused.success, refused.code, refused.http_status_code) == (False, "CreateKeyReused", 409)


async def test_quota_is_told_with_the_command_that_clears_it(
    theirs: Any, tenant: tuple[str, str], doors: dict[str, Door], settled: Any
) -> None:
    with cove.AgentBay(endpoint=doors["unix"].endpoint) as operator:
        operator.server.set_quota(tenant[0], cove.Quota(sessions=1))
    made = (await settled(theirs.create())).unwrap()
    refused = await settled(theirs.create())
    assert (refused.success, refused.code, refused.http_status_code) == (False, "QuotaExceeded", 429)
    assert isinstance(refused.cause, cove.QuotaExceeded)
    assert "`cove session delete ID`" in refused.error_message
    with pytest.raises(cove.QuotaExceeded):
        refused.unwrap()
    own = await settled(theirs.server.list_quotas())
    assert [(view.tenant, view.quota.sessions, view.used.sessions) for view in own] == [(tenant[0], 1, 1)]
    await settled(made.delete())
    assert (await settled(theirs.create())).success


async def test_rotated_key_opens_the_same_sessions(
    theirs: Any, tenant: tuple[str, str], doors: dict[str, Door], kind: str, door: Door, settled: Any
) -> None:
    made = (await settled(theirs.create())).unwrap()
    with cove.AgentBay(endpoint=doors["unix"].endpoint) as operator:
        passing = operator.server.create_key(tenant[0])
        fresh = operator.server.rotate_key(passing.key.key_id, overlap=0)
    for secret, code in ((passing.secret, "KeyInvalid"), (fresh.secret, "")):
        client = (cove.AgentBay if kind == "sync" else cove.AsyncAgentBay)(secret, endpoint=door.endpoint)
        assert (await settled(client.get(made.session_id))).code == code
        await settled(client.close())


async def test_network_door_is_closed_without_a_key(kind: str, doors: dict[str, Door], settled: Any) -> None:
    client = (cove.AgentBay if kind == "sync" else cove.AsyncAgentBay)(endpoint=doors["tcp"].endpoint)
    refused = await settled(client.create())
    assert (refused.success, refused.code, refused.http_status_code) == (False, "KeyInvalid", 401)
    await settled(client.close())
