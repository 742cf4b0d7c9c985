"""The life of a session, through the HTTP API."""

import httpx2


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
