"""What is wrong with a request is said, by name, with a status of 400 and above, and never with 500."""

from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_FIELDS = ("image_id", "labels", "idle_timeout", "max_lifetime", "limits", "arguments", "text", "call_id", "tenant")
_MANY = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def _error(answer: httpx2.Response) -> dict[str, Any]:
    assert answer.headers["x-request-id"] == answer.json()["request_id"]
    return answer.json()["error"]


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"image_id": 5}, "image_id"),
        ({"labels": ["a"]}, "labels"),
        ({"labels": {"a": 1}}, "labels"),
        ({"labels": {"": "x"}}, "labels"),
        ({"labels": {"a": "  "}}, "labels"),
        ({"idle_timeout": "soon"}, "idle_timeout"),
        ({"idle_timeout": 0}, "idle_timeout"),
        ({"max_lifetime": -1}, "max_lifetime"),
        ({"max_lifetime": 1e300}, "max_lifetime"),
        ({"limits": {"cpus": "many"}}, "limits"),
        ({"limits": {"memory_bytes": 1}}, "limits"),
        ({"limits": {"gpus": 1}}, "limits"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_field_that_does_not_fit_is_named(http: httpx2.Client, body: dict[str, Any], name: str) -> None:
    answer = http.post("/v1/sessions", json=body)
    assert answer.status_code == 400
    assert name in _error(answer)["message"]
    assert http.get("/v1/sessions").json()["total"] == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"7",
        b'{"labels": {"a": "\\ud800"}}',
        b"\xff\xfe",
        b'{"image_id": "\xff"}',
        b'{"labels":' + b"[" * 5000,
    ],
)
def test_body_that_is_no_object_is_refused(http: httpx2.Client, body: bytes) -> None:
    answer = http.post("/v1/sessions", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert _error(answer)["code"].startswith("Invalid")


def test_unknown_image_is_told_with_those_that_exist(http: httpx2.Client) -> None:
    answer = http.post("/v1/sessions", json={"image_id": "windows"})
    assert (answer.status_code, _error(answer)["code"]) == (404, "ImageNotFound")
    assert "linux_latest" in _error(answer)["message"]
    assert http.get("/v1/images/windows/tools").status_code == 404


@pytest.mark.parametrize("path", ["", "/labels", "/tools", "/metrics"])
def test_unknown_session_is_not_found(http: httpx2.Client, path: str) -> None:
    answer = http.get(f"/v1/sessions/s-none{path}")
    assert (answer.status_code, _error(answer)["code"]) == (404, "SessionNotFound")


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "label=a", "label==b", "status=GONE", "cursor=!!", "cursor=e30="]
)
def test_query_that_does_not_fit_is_named(http: httpx2.Client, query: str) -> None:
    answer = http.get(f"/v1/sessions?{query}")
    assert answer.status_code == 400
    assert _error(answer)["facts"]["name"] == query.partition("=")[0]


@pytest.mark.parametrize("labels", [{}, {"a": ""}, {"a" * 513: "b"}, {f"l{n}": "x" for n in range(65)}])
def test_labels_that_do_not_fit_change_nothing(http: httpx2.Client, session: str, labels: dict[str, str]) -> None:
    http.put(f"/v1/sessions/{session}/labels", json={"labels": {"a": "b"}})
    answer = http.put(f"/v1/sessions/{session}/labels", json={"labels": labels})
    assert (answer.status_code, _error(answer)["code"]) == (400, "InvalidLabels")
    assert http.get(f"/v1/sessions/{session}/labels").json() == {"labels": {"a": "b"}}


@pytest.mark.parametrize("body", [{"arguments": []}, {"arguments": "x"}, {"text": "yes"}, {"call_id": 5}, {"what": 1}])
def test_call_that_does_not_fit_is_refused(http: httpx2.Client, session: str, body: dict[str, Any]) -> None:
    answer = http.post(f"/v1/sessions/{session}/tools/shell", json=body)
    assert answer.status_code == 400
    assert next(iter(body)) in _error(answer)["message"]


@pytest.mark.parametrize("call_id", ["", "x" * 129, "a\nb"])
def test_call_id_must_be_short_and_printable(http: httpx2.Client, session: str, call_id: str) -> None:
    body = {"arguments": {"command": "true"}, "call_id": call_id}
    answer = http.post(f"/v1/sessions/{session}/tools/shell", json=body)
    assert (answer.status_code, _error(answer)["facts"]["name"]) == (400, "call_id")


def test_arguments_that_nest_too_deep_are_refused(http: httpx2.Client, session: str) -> None:
    arguments: dict[str, Any] = {"command": "true"}
    for _ in range(40):
        arguments = {"a": arguments}
    answer = http.post(f"/v1/sessions/{session}/tools/shell", json={"arguments": arguments})
    assert (answer.status_code, _error(answer)["code"]) == (400, "InvalidToolArguments")


@pytest.mark.parametrize("arguments", [{}, {"command": 5}, {"command": "true", "colour": "blue"}])
def test_tool_arguments_that_do_not_fit_are_refused(
    http: httpx2.Client, session: str, arguments: dict[str, Any]
) -> None:
    answer = http.post(f"/v1/sessions/{session}/tools/shell", json={"arguments": arguments})
    assert (answer.status_code, _error(answer)["code"]) == (400, "InvalidToolArguments")


def test_unknown_tool_is_told(http: httpx2.Client, session: str) -> None:
    answer = http.post(f"/v1/sessions/{session}/tools/teleport", json={})
    assert (answer.status_code, _error(answer)["code"]) == (404, "ToolNotFound")
    assert "list_mcp_tools" in _error(answer)["message"]


def test_unknown_call_is_told(http: httpx2.Client, session: str) -> None:
    answer = http.delete(f"/v1/sessions/{session}/calls/c-none")
    assert (answer.status_code, _error(answer)["code"]) == (404, "CallNotFound")


def test_unknown_route_and_method_are_told(http: httpx2.Client) -> None:
    assert http.get("/v2/sessions").status_code == 404
    assert "/v2/sessions" in _error(http.get("/v2/sessions"))["message"]
    answer = http.patch("/v1/sessions", json={})
    assert (answer.status_code, _error(answer)["facts"]["value"]) == (405, "PATCH")


def test_wrong_method_is_told_with_those_that_there_are(http: httpx2.Client) -> None:
    assert http.request("TRACE", "/v1/quotas/blue").headers["allow"] == "DELETE, OPTIONS, PUT"


@pytest.mark.parametrize("field", ["sessions", "memory_bytes", "cpus"])
@pytest.mark.parametrize("amount", [-1, 2**63, 10**400])
def test_quota_that_is_no_amount_is_refused(http: httpx2.Client, field: str, amount: int) -> None:
    answer = http.put("/v1/quotas/blue", json={field: amount})
    assert answer.status_code == 400, answer.text
    assert http.get("/v1/quotas").json() == {"quotas": []}


def test_body_over_the_limit_is_refused(http: httpx2.Client) -> None:
    answer = http.post("/v1/sessions", json={"labels": {"a": "x" * 2_000_000}})
    assert (answer.status_code, _error(answer)["facts"]["name"]) == (413, "body")


def test_value_of_a_long_field_is_shortened_in_the_answer(http: httpx2.Client) -> None:
    answer = http.post("/v1/sessions", json={"image_id": "x" * 100_000})
    assert answer.status_code == 404
    assert len(answer.content) < 4000


@pytest.mark.parametrize("session_id", ["%00", "s-%0a", "x" * 5000, "%F0%9F%90%A7", "..%2f..", "' OR 1=1 --"])
def test_strange_session_ids_are_not_found(http: httpx2.Client, session_id: str) -> None:
    assert http.get(f"/v1/sessions/{session_id}").status_code == 404


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_json_is_taken_as_json_whatever_its_label(http: httpx2.Client, content_type: str) -> None:
    answer = http.post("/v1/sessions", content=b'{"labels": {"a": "b"}}', headers={"Content-Type": content_type})
    assert answer.status_code == 201
    assert answer.json()["labels"] == {"a": "b"}


@_MANY
@given(body=st.dictionaries(st.sampled_from(_FIELDS), _JSON, max_size=4) | _JSON)
def test_no_body_whatever_is_a_defect(http: httpx2.Client, body: Any) -> None:
    for path in ("/v1/sessions", "/v1/sessions/s-none/tools/shell", "/v1/keys"):
        answer = http.post(path, json=body)
        assert answer.status_code in {201, 400, 404}, answer.text
        if path == "/v1/sessions" and answer.status_code == 201:
            http.delete(f"/v1/sessions/{answer.json()['session_id']}").raise_for_status()
