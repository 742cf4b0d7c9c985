"""What a session is and does, seen by a user of either client through either door."""

from typing import Any

import anyio
import pytest

import cove

pytestmark = pytest.mark.anyio


async def test_a_session_runs_with_the_published_defaults(session: Any, settled: Any) -> None:
    assert session.session_id.startswith("s-")
    info = (await settled(session.info())).unwrap()
    assert info.session_id == session.session_id
    assert info.resource_url
    assert info.view.state == "RUNNING"
    assert info.view.limits["pids"] == cove.Limits().pids
    assert (info.view.idle_timeout, info.view.max_lifetime) == (300.0, 1800.0)


async def test_a_session_is_as_its_params_say(agent_bay: Any, settled: Any) -> None:
    params = cove.CreateSessionParams(
        labels={"team": "blue"},
        image_id="code_latest",
        idle_release_timeout=60,
        max_lifetime=600,
        limits={"pids": 64, "output_bytes": 4096},
    )
    session = (await settled(agent_bay.create(params))).unwrap()
    view = (await settled(session.info())).unwrap().view
    await settled(session.delete())
    assert (view.labels, view.idle_timeout, view.max_lifetime) == ({"team": "blue"}, 60, 600)
    assert view.limits["pids"] == 64
    assert session.image_id == view.image_id


async def test_a_deleted_session_is_gone(agent_bay: Any, session: Any, settled: Any) -> None:
    assert (await settled(agent_bay.delete(session))).success
    refused = await settled(session.command.run("true"))
    assert (refused.success, refused.code) == (False, "SessionNotFound")
    assert (await settled(agent_bay.get(session.session_id))).code == "SessionNotFound"
    assert (await settled(session.get_status())).status == "FINISH"
    found = (await settled(agent_bay.list(limit=100))).unwrap()
    assert session.session_id not in [entry["sessionId"] for entry in found]


async def test_deleting_twice_changes_nothing(session: Any, settled: Any) -> None:
    assert (await settled(session.delete())).success
    assert (await settled(session.delete(sync_context=True))).success


async def test_a_session_is_found_again(agent_bay: Any, session: Any, settled: Any) -> None:
    found = (await settled(agent_bay.get(session.session_id))).unwrap()
    assert type(found) is type(session)
    assert (found.session_id, found.image_id) == (session.session_id, session.image_id)


async def test_labels_are_replaced_and_found(agent_bay: Any, session: Any, settled: Any) -> None:
    mark = session.session_id
    assert (await settled(session.set_labels({"mark": mark, "name": "ä = b & c"}))).success
    await settled(session.set_labels({"mark": mark, "name": "=x"}))
    assert (await settled(session.get_labels())).data == {"mark": mark, "name": "=x"}
    for labels, count in (({"mark": mark}, 1), ({"mark": mark, "name": "=x"}, 1), ({"mark": mark, "name": "y"}, 0)):
        found = await settled(agent_bay.list(labels=labels))
        assert (found.success, len(found.session_ids), found.total_count) == (True, count, count)


async def test_lists_have_pages_and_filters(agent_bay: Any, settled: Any) -> None:
    made = [
        (await settled(agent_bay.create(cove.CreateSessionParams(labels={"page": "me"})))).unwrap() for _ in range(3)
    ]
    ids = [session.session_id for session in reversed(made)]
    pages = [await settled(agent_bay.list(labels={"page": "me"}, page=page, limit=2)) for page in (1, 2, 3)]
    assert [[entry["sessionId"] for entry in page.session_ids] for page in pages] == [ids[:2], ids[2:], []]
    assert [page.total_count for page in pages] == [3, 3, 3]
    assert [bool(page.next_token) for page in pages[:2]] == [True, False]
    await settled(made[0].pause())
    for status, count in (("PAUSED", 1), ("RUNNING", 2)):
        assert len((await settled(agent_bay.list({"page": "me"}, status=status))).session_ids) == count
    assert (await settled(agent_bay.list({"page": "me"}, image_id="no-such"))).session_ids == []
    for session in made:
        await settled(session.delete())


async def test_a_status_that_is_none_is_refused(agent_bay: Any, settled: Any) -> None:
    refused = await settled(agent_bay.list(status="SLEEPING"))
    assert (refused.success, refused.code) == (False, "InvalidInput")
    assert "RUNNING" in refused.error_message


async def test_a_paused_session_refuses_calls_until_resumed(session: Any, settled: Any) -> None:
    paused = await settled(session.pause())
    assert (paused.success, paused.status) == (True, "PAUSED")
    refused = await settled(session.command.run("true"))
    assert (refused.success, refused.code) == (False, "SessionPaused")
    assert "resume()" in refused.error_message
    resumed = await settled(session.resume())
    assert (resumed.success, resumed.status) == (True, "RUNNING")
    assert (await settled(session.command.run("true"))).success


async def test_pausing_the_paused_is_refused(session: Any, settled: Any) -> None:
    await settled(session.pause())
    refused = await settled(session.beta_pause())
    assert (refused.success, refused.code, refused.status) == (False, "WrongState", "")
    assert (await settled(session.beta_resume())).success


async def test_pause_async_starts_and_pause_is_seen_later(session: Any, settled: Any) -> None:
    assert (await settled(session.pause_async())).status in ("PAUSING", "PAUSED")
    await reached(session, "PAUSED", settled)
    assert (await settled(session.resume_async())).status in ("RESUMING", "RUNNING")
    await reached(session, "RUNNING", settled)


async def reached(session: Any, state: str, settled: Any) -> None:
    with anyio.fail_after(60):
        while (await settled(session.get_status())).status != state:  # noqa: ASYNC110 - another process tells
            await anyio.sleep(0.01)


async def test_tools_are_listed_with_their_schemas_and_servers(shared: Any, settled: Any) -> None:
    tools = (await settled(shared.list_mcp_tools())).unwrap()
    by_name = {tool.name: tool for tool in tools}
    assert by_name["shell"].server == by_name["shell"].get_server() == "wuying_shell"
    assert "command" in by_name["shell"].input_schema["properties"]
    assert by_name["read_file"].description
    of_image = (await settled(shared.list_mcp_tools("linux_latest"))).unwrap()
    assert [tool.name for tool in of_image] == [tool.name for tool in tools]
    assert await settled(shared.find_server_for_tool("write_file")) == "wuying_filesystem"
    assert await settled(shared.find_server_for_tool("fly")) == ""


async def test_metrics_are_measured(shared: Any, settled: Any) -> None:
    result = await settled(shared.get_metrics())
    metrics = result.unwrap()
    assert metrics.cpu_count > 0
    assert 0 <= metrics.mem_used < metrics.mem_total
    assert 0 <= metrics.disk_used < metrics.disk_total
    assert metrics.timestamp > 1.7e9
    assert result.raw["mem_total"] == metrics.mem_total


async def test_keep_alive_succeeds(shared: Any, settled: Any) -> None:
    assert (await settled(shared.keep_alive())).success


async def test_open_deletes_at_the_end(kind: str, agent_bay: Any, settled: Any) -> None:
    ids = []
    for error in (None, KeyError("mine")):
        try:
            if kind == "sync":
                with agent_bay.open(image_id="code_latest", labels={"opened": "yes"}) as session:
                    ids.append(session.session_id)
                    if error:
                        raise error
            else:
                async with agent_bay.open(image_id="code_latest", labels={"opened": "yes"}) as session:
                    ids.append(session.session_id)
                    if error:
                        raise error
        except KeyError as raised:
            assert raised is error  # noqa: PT017 - the very same
    for session_id in ids:
        assert (await settled(agent_bay.get(session_id))).code == "SessionNotFound"
    assert len(ids) == 2


async def test_a_session_deleted_within_its_block_is_no_failure(kind: str, agent_bay: Any) -> None:
    if kind == "sync":
        with agent_bay.open() as session:
            session.delete()
    else:
        async with agent_bay.open() as session:
            await session.delete()


async def test_unknown_sessions_and_images_are_named(agent_bay: Any, settled: Any) -> None:
    missing = await settled(agent_bay.get("s-nowhere"))
    assert "s-nowhere" in missing.error_message
    refused = await settled(agent_bay.create(cove.CreateSessionParams(image_id="windows_95")))
    assert (refused.success, refused.code) == (False, "ImageNotFound")
    assert "windows_95" in refused.error_message
    assert "linux_latest" in refused.error_message


async def test_a_wrong_key_is_refused_with_the_remedy(kind: str, doors: Any, settled: Any) -> None:
    client = (cove.AgentBay if kind == "sync" else cove.AsyncAgentBay)("wrong-key", endpoint=doors["tcp"].endpoint)
    refused = await settled(client.create())
    await settled(client.close())
    assert (refused.success, refused.code, refused.http_status_code) == (False, "KeyInvalid", 401)
    assert "cove key create" in refused.error_message


async def test_the_server_says_what_it_is(agent_bay: Any, settled: Any) -> None:
    assert (await settled(agent_bay.server.health())).status == "ok"
    assert (await settled(agent_bay.server.capabilities())).version == cove.__version__
    assert "linux_latest" in await settled(agent_bay.server.images())


async def test_a_tenants_key_sees_its_own_sessions_only(
    kind: str, agent_bay: Any, session: Any, doors: Any, settled: Any
) -> None:
    made = await settled(agent_bay.server.create_key("stranger"))
    client = (cove.AgentBay if kind == "sync" else cove.AsyncAgentBay)(made.secret, endpoint=doors["tcp"].endpoint)
    assert (await settled(client.get(session.session_id))).code == "SessionNotFound"
    assert session.session_id not in str((await settled(client.list(limit=100))).session_ids)
    with pytest.raises(cove.OperatorOnly):
        await settled(client.server.create_key("stranger"))
    assert {key.tenant for key in await settled(client.server.list_keys())} == {"stranger"}
    await settled(agent_bay.server.revoke_key(made.key.key_id))
    assert (await settled(client.list())).code == "KeyInvalid"
    await settled(client.close())
