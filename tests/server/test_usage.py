"""GET /v1/usage: many sessions at once, measured, and how much each is called."""

import threading
from typing import Any

import httpx2
from tests.server.held import Held

from cove.testing import Cove


def usage(http: httpx2.Client, **query: Any) -> dict[str, dict[str, Any]]:
    page = http.get("/v1/usage", params=query).raise_for_status().json()
    return {each["session"]["session_id"]: each for each in page["usage"]}


def test_every_session_that_lives_is_measured(http: httpx2.Client, session: str) -> None:
    other = http.post("/v1/sessions", json={"labels": {"of": "us"}}).json()["session_id"]
    found = usage(http)
    assert list(found) == [other, session]
    assert found[session]["metrics"]["mem_total"] > 0
    assert list(usage(http, label="of=us")) == [other]
    first = http.get("/v1/usage", params={"limit": 1}).json()
    assert first["total"] == 2
    assert http.get("/v1/usage", params={"cursor": first["next_cursor"]}).json()["usage"][0]["session"][
        "session_id"
    ] == session  # fmt: skip


def test_calls_are_counted_while_they_run_and_after(cove: Cove, http: httpx2.Client, session: str) -> None:
    held = Held(cove, "call")
    path, body = f"/v1/sessions/{session}/tools/shell", {"arguments": {"command": "true"}}
    caller = threading.Thread(target=lambda: http.post(path, json=body))
    caller.start()
    held.await_begun()
    now = usage(http)[session]
    assert (now["calls_running"], now["calls_total"]) == (1, 1)
    held.let_go()
    caller.join(60)
    later = usage(http)[session]
    assert (later["calls_running"], later["calls_total"]) == (0, 1)


def test_looking_is_no_use_and_wakes_nobody(cove: Cove, http: httpx2.Client) -> None:
    session = http.post("/v1/sessions", json={"idle_timeout": 600}).json()["session_id"]
    for _ in range(3):
        cove.pass_time(300)
        assert session in usage(http)
    assert usage(http)[session]["session"]["state"] == "PAUSED"


def test_one_that_is_still_being_made_hides_no_other(cove: Cove, http: httpx2.Client, session: str) -> None:
    held = Held(cove, "create")
    maker = threading.Thread(target=lambda: http.post("/v1/sessions", json={"labels": {"of": "late"}}))
    maker.start()
    held.await_begun()
    (late,) = usage(http, label="of=late").values()
    assert (late["session"]["state"], late["metrics"]) == ("CREATING", None)
    assert usage(http)[session]["metrics"] is not None
    held.let_go()
    maker.join(60)


def test_a_tenant_sees_its_own_only(http: httpx2.Client, session: str) -> None:
    secret = http.post("/v1/keys", json={"tenant": "blue"}).json()["secret"]
    theirs = {"Authorization": f"Bearer {secret}"}
    assert http.get("/v1/usage", headers=theirs).json() == {"usage": [], "next_cursor": "", "total": 0}
    assert http.get("/v1/usage", params={"limit": 0}, headers=theirs).status_code == 400
