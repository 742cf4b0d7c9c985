"""Who may come in, and what each of them sees."""

from collections.abc import Callable

import httpx2
import pytest
from tests.asking import at_socket

from cove.testing import Cove, running_cove

Client = Callable[[str], httpx2.Client]


@pytest.fixture
def client_of(cove: Cove) -> Client:
    def make(key: str) -> httpx2.Client:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return at_socket(cove.socket, headers=headers, timeout=30)

    return make


@pytest.fixture
def tenant(http: httpx2.Client, client_of: Client) -> httpx2.Client:
    return client_of(http.post("/v1/keys", json={"tenant": "blue"}).json()["secret"])


def test_key_shows_its_secret_once_and_is_stored_as_a_digest(http: httpx2.Client, cove: Cove) -> None:
    made = http.post("/v1/keys", json={"tenant": "blue"})
    assert made.status_code == 201
    secret, key = made.json()["secret"], made.json()["key"]
    assert secret.startswith(f"cove_{key['key_id']}_")
    assert secret not in http.get("/v1/keys").text
    on_disk = b"".join(path.read_bytes() for path in cove.directory.glob("cove.db*"))
    assert key["key_id"].encode() in on_disk
    assert secret.removeprefix(f"{key['prefix']}_").encode() not in on_disk


@pytest.mark.parametrize("header", ["", "Bearer wrong", "Bearer", "Basic abc", "cove_x_y"])
def test_unknown_key_is_refused_with_a_remedy(client_of: Client, header: str) -> None:
    answer = client_of("").get("/v1/sessions", headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["error"]["code"] == "KeyInvalid"
    assert "cove key create" in answer.json()["error"]["message"]
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_every_route_under_v1_needs_a_key(http: httpx2.Client, client_of: Client) -> None:
    paths = http.get("/v1/openapi.json").json()["paths"]
    nobody = client_of("")
    for path, operations in paths.items():
        for method in operations:
            answer = nobody.request(method, path.replace("{", "").replace("}", ""), json={})
            assert (answer.status_code == 401) == path.startswith("/v1/"), (method, path, answer.status_code)


def test_revoked_key_is_refused_from_the_next_request_on(http: httpx2.Client, client_of: Client) -> None:
    made = http.post("/v1/keys", json={"tenant": "blue"}).json()
    tenant = client_of(made["secret"])
    assert tenant.get("/v1/sessions").status_code == 200
    revoked = http.delete(f"/v1/keys/{made['key']['key_id']}")
    assert revoked.json()["revoked_at"] is not None
    assert tenant.get("/v1/sessions").json()["error"]["facts"] == {"problem": "revoked"}
    assert http.delete(f"/v1/keys/{made['key']['key_id']}").json() == revoked.json()


def test_tenant_sees_only_its_own_sessions(http: httpx2.Client, tenant: httpx2.Client, session: str) -> None:
    own = tenant.post("/v1/sessions", json={}).json()["session_id"]
    assert [found["session_id"] for found in tenant.get("/v1/sessions").json()["sessions"]] == [own]
    assert http.get("/v1/sessions").json()["total"] == 2
    for method, rest in [("GET", ""), ("DELETE", ""), ("POST", "/pause"), ("GET", "/tools"), ("GET", "/labels")]:
        answer = tenant.request(method, f"/v1/sessions/{session}{rest}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "SessionNotFound")
    call = tenant.post(f"/v1/sessions/{session}/tools/shell", json={"arguments": {"command": "true"}})
    assert call.status_code == 404


def test_tenant_may_not_make_or_revoke_keys(tenant: httpx2.Client) -> None:
    assert tenant.post("/v1/keys", json={"tenant": "red"}).json()["error"]["code"] == "OperatorOnly"
    own = tenant.get("/v1/keys").json()["keys"]
    assert [key["tenant"] for key in own] == ["blue"]
    assert tenant.delete(f"/v1/keys/{own[0]['key_id']}").status_code == 403


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 101])
def test_tenant_needs_a_printable_name(http: httpx2.Client, name: str) -> None:
    answer = http.post("/v1/keys", json={"tenant": name})
    assert (answer.status_code, answer.json()["error"]["facts"]["name"]) == (400, "tenant")


def test_unknown_key_id_is_not_found(http: httpx2.Client) -> None:
    assert http.delete("/v1/keys/k-none").json()["error"]["code"] == "KeyNotFound"


def test_first_key_is_made_and_told_once() -> None:
    told: list[str] = []
    with running_cove(api_key=None, on_first_key=told.append) as cove, at_socket(cove.socket) as client:
        keys = client.get("/v1/keys", headers={"Authorization": f"Bearer {told[0]}"}).json()["keys"]
    assert len(told) == 1
    assert [key["is_operator"] for key in keys] == [True]


def test_key_expires(http: httpx2.Client, client_of: Client, cove: Cove) -> None:
    made = http.post("/v1/keys", json={"tenant": "blue", "name": "ci", "expires_in": 3600}).json()
    assert (made["key"]["name"], made["key"]["expires_at"] - made["key"]["created_at"]) == ("ci", 3600)
    tenant = client_of(made["secret"])
    cove.pass_time(1800)
    assert tenant.get("/v1/sessions").status_code == 200
    cove.pass_time(3600)
    refused = tenant.get("/v1/sessions")
    assert (refused.status_code, refused.json()["error"]["facts"]) == (401, {"problem": "expired"})
    assert "cove key create" in refused.json()["error"]["message"]


def test_rotated_key_works_beside_its_successor_for_the_overlap(
    http: httpx2.Client, client_of: Client, cove: Cove
) -> None:
    old = http.post("/v1/keys", json={"tenant": "blue", "name": "ci"}).json()
    before = client_of(old["secret"])
    assert before.get("/v1/sessions").status_code == 200  # the server remembers keys that it has seen
    new = http.post(f"/v1/keys/{old['key']['key_id']}/rotate", json={"overlap": 3600}).json()
    after = client_of(new["secret"])
    assert (new["key"]["tenant"], new["key"]["name"], new["key"]["is_operator"]) == ("blue", "ci", False)
    own = after.post("/v1/sessions", json={"max_lifetime": 36000}).json()["session_id"]
    assert before.get(f"/v1/sessions/{own}").status_code == 200
    cove.pass_time(7200)
    assert before.get("/v1/sessions").json()["error"]["facts"] == {"problem": "expired"}
    assert after.get(f"/v1/sessions/{own}").status_code == 200


def test_rotation_without_overlap_ends_the_old_key_at_once(http: httpx2.Client, client_of: Client) -> None:
    old = http.post("/v1/keys", json={"tenant": "blue"}).json()
    http.post(f"/v1/keys/{old['key']['key_id']}/rotate", json={"overlap": 0}).raise_for_status()
    assert client_of(old["secret"]).get("/v1/sessions").status_code == 401


def test_overlap_is_a_day_where_none_is_asked_for(http: httpx2.Client) -> None:
    old = http.post("/v1/keys", json={"tenant": "blue"}).json()["key"]
    new = http.post(f"/v1/keys/{old['key_id']}/rotate", json={}).json()["key"]
    expiry = next(key["expires_at"] for key in http.get("/v1/keys").json()["keys"] if key["key_id"] == old["key_id"])
    assert expiry - new["created_at"] == 86400


def test_successor_lives_as_long_as_the_key_that_it_replaces(http: httpx2.Client, cove: Cove) -> None:
    old = http.post("/v1/keys", json={"tenant": "blue", "expires_in": 3600}).json()["key"]
    cove.pass_time(1800)
    new = http.post(f"/v1/keys/{old['key_id']}/rotate", json={"overlap": 36000}).json()["key"]
    assert new["expires_at"] - new["created_at"] == pytest.approx(3600)
    shown = {key["key_id"]: key for key in http.get("/v1/keys").json()["keys"]}
    assert shown[old["key_id"]]["expires_at"] == old["expires_at"]  # an overlap makes no key live longer


def test_rotated_operator_is_an_operator(http: httpx2.Client, client_of: Client) -> None:
    old = http.post("/v1/keys", json={"tenant": "ops", "is_operator": True}).json()["key"]
    new = client_of(http.post(f"/v1/keys/{old['key_id']}/rotate", json={}).json()["secret"])
    assert new.post("/v1/keys", json={"tenant": "blue"}).status_code == 201


def test_dead_key_is_not_rotated(http: httpx2.Client, cove: Cove) -> None:
    revoked = http.post("/v1/keys", json={"tenant": "blue"}).json()["key"]["key_id"]
    http.delete(f"/v1/keys/{revoked}").raise_for_status()
    expired = http.post("/v1/keys", json={"tenant": "blue", "expires_in": 1}).json()["key"]["key_id"]
    cove.pass_time(2)
    for key_id in (revoked, expired):
        refused = http.post(f"/v1/keys/{key_id}/rotate", json={})
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "InvalidInput")
    assert http.post("/v1/keys/k-none/rotate", json={}).json()["error"]["code"] == "KeyNotFound"


def test_tenant_may_not_rotate(tenant: httpx2.Client) -> None:
    own = tenant.get("/v1/keys").json()["keys"][0]["key_id"]
    assert tenant.post(f"/v1/keys/{own}/rotate", json={}).status_code == 403


@pytest.mark.parametrize("wish", [{"expires_in": 0}, {"expires_in": 1e12}, {"name": "a\nb"}, {"name": "x" * 101}])
def test_key_of_no_sense_is_refused(http: httpx2.Client, wish: dict[str, object]) -> None:
    refused = http.post("/v1/keys", json={"tenant": "blue", **wish})
    assert (refused.status_code, refused.json()["error"]["facts"]["name"]) == (400, next(iter(wish)))


def test_overlap_of_no_sense_is_refused(http: httpx2.Client) -> None:
    key_id = http.post("/v1/keys", json={"tenant": "blue"}).json()["key"]["key_id"]
    assert http.post(f"/v1/keys/{key_id}/rotate", json={"overlap": -1}).status_code == 400


def test_key_that_ended_ends_no_session(http: httpx2.Client, client_of: Client) -> None:
    made = http.post("/v1/keys", json={"tenant": "blue"}).json()
    session = client_of(made["secret"]).post("/v1/sessions", json={}).json()["session_id"]
    http.delete(f"/v1/keys/{made['key']['key_id']}").raise_for_status()
    assert http.get(f"/v1/sessions/{session}").json()["state"] == "RUNNING"
