"""The life of a session, through the HTTP API."""

from collections.abc import Callable

import httpx2

from cove.testing import Cove, running_cove


def test_created_session_runs_and_can_be_looked_at(http: httpx2.Client) -> None:
    made = http.post("/v1/sessions", json={"labels": {"team": "blue"}, "limits": {"cpus": 0.5}})
    assert made.status_code == 201
    assert made.json()["state"] == "RUNNING"
    assert http.get(f"/v1/sessions/{made.json()['session_id']}").json() == made.json()


def test_shell_answers_structured_and_as_text(http: httpx2.Client, session: str) -> None:
    answer = http.post(f"/v1/sessions/{session}/tools/shell", json={"arguments": {"command": "echo hi"}, "text": True})
    assert answer.status_code == 200
    assert answer.json()["structured"]["stdout"] == "hi\n"
    assert answer.json()["text"] == '{"stdout":"hi\\n","stderr":"","exit_code":0}'


def test_pause_and_resume_go_through_their_states(http: httpx2.Client, session: str) -> None:
    assert http.post(f"/v1/sessions/{session}/pause").json()["state"] == "PAUSED"
    refused = http.post(f"/v1/sessions/{session}/tools/shell", json={"arguments": {"command": "true"}})
    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "SessionPaused"
    assert refused.json()["error"]["retryable"] is True
    assert http.post(f"/v1/sessions/{session}/pause").status_code == 409
    assert http.post(f"/v1/sessions/{session}/resume").json()["state"] == "RUNNING"


def test_deleted_session_is_remembered_but_refuses_calls(http: httpx2.Client, session: str) -> None:
    assert http.delete(f"/v1/sessions/{session}").json()["state"] == "FINISH"
    assert http.get(f"/v1/sessions/{session}").json()["end_reason"] == "deleted"
    assert http.delete(f"/v1/sessions/{session}").status_code == 200
    assert http.get("/v1/sessions").json() == {"sessions": [], "next_cursor": "", "total": 0}
    call = http.post(f"/v1/sessions/{session}/tools/shell", json={"arguments": {"command": "true"}})
    assert (call.status_code, call.json()["error"]["code"]) == (404, "SessionNotFound")


def test_same_create_key_gives_the_same_session(http: httpx2.Client) -> None:
    first, second = (http.post("/v1/sessions", json={}, headers={"Idempotency-Key": "k"}).json() for _ in range(2))
    assert first == second
    assert http.get("/v1/sessions").json()["total"] == 1


def test_list_pages_newest_first_and_filters(http: httpx2.Client) -> None:
    made = [http.post("/v1/sessions", json={"labels": {"n": str(n), "all": "x"}}).json() for n in range(5)]
    ids = [session["session_id"] for session in reversed(made)]
    first = http.get("/v1/sessions", params={"limit": 3, "label": "all=x"}).json()
    rest = http.get("/v1/sessions", params={"limit": 3, "label": "all=x", "cursor": first["next_cursor"]}).json()
    assert [found["session_id"] for found in first["sessions"] + rest["sessions"]] == ids
    assert (first["total"], rest["total"], rest["next_cursor"]) == (5, 5, "")
    one = http.get("/v1/sessions", params={"label": ["n=2", "all=x"]}).json()
    assert [found["session_id"] for found in one["sessions"]] == [made[2]["session_id"]]
    assert http.get("/v1/sessions", params={"label": ["n=2", "n2=x"]}).json()["total"] == 0


def test_list_knows_states_and_images(http: httpx2.Client, session: str) -> None:
    http.post(f"/v1/sessions/{session}/pause")
    http.post("/v1/sessions", json={"image_id": "code_latest"})
    assert http.get("/v1/sessions?status=PAUSED").json()["sessions"][0]["session_id"] == session
    assert http.get("/v1/sessions?status=RUNNING&image_id=code_latest").json()["total"] == 1
    assert http.get("/v1/sessions?status=RUNNING&image_id=linux_latest").json()["total"] == 0
    http.delete(f"/v1/sessions/{session}")
    assert http.get("/v1/sessions?status=FINISH").json()["sessions"][0]["end_reason"] == "deleted"


def test_session_tells_what_it_was_made_from_also_when_it_has_ended(http: httpx2.Client, session: str) -> None:
    assert http.get(f"/v1/sessions/{session}").json()["image_fingerprint"] == "simulated-host"
    http.delete(f"/v1/sessions/{session}")
    assert http.get(f"/v1/sessions/{session}").json()["image_fingerprint"] == "simulated-host"


def test_labels_are_replaced_whole(http: httpx2.Client, session: str) -> None:
    for labels in ({"a": "1", "b": "2"}, {'quo"te': "ü", "$.a": "3"}):
        assert http.put(f"/v1/sessions/{session}/labels", json={"labels": labels}).json() == {"labels": labels}
    assert http.get("/v1/sessions", params={"label": 'quo"te=ü'}).json()["total"] == 1
    assert http.get("/v1/sessions", params={"label": "a=1"}).json()["total"] == 0


def test_metrics_come_from_the_node_also_as_a_tool(http: httpx2.Client, session: str) -> None:
    metrics = http.get(f"/v1/sessions/{session}/metrics").json()["metrics"]
    tool = http.post(f"/v1/sessions/{session}/tools/get_metrics", json={"text": True}).json()
    assert tool["structured"]["mem_total"] == metrics["mem_total"] > 0
    assert '"rx_used_kbyte":' in tool["text"]


def test_same_call_id_runs_once(http: httpx2.Client, session: str) -> None:
    body = {"arguments": {"command": "echo x >> once; cat once"}, "call_id": "c-1"}
    answers = [http.post(f"/v1/sessions/{session}/tools/shell", json=body).json() for _ in range(2)]
    assert [answer["structured"]["stdout"] for answer in answers] == ["x\n", "x\n"]


def test_ended_session_keeps_no_place(connect: Callable[[Cove], httpx2.Client]) -> None:
    with running_cove(slots=2) as cove, connect(cove) as http:
        ids = [http.post("/v1/sessions", json={}).json()["session_id"] for _ in range(2)]
        full = http.post("/v1/sessions", json={})
        assert (full.status_code, full.json()["error"]["code"]) == (503, "TooManySessions")
        http.delete(f"/v1/sessions/{ids[0]}")
        assert http.post("/v1/sessions", json={}).status_code == 201
