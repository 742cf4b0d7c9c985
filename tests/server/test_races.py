"""Many at once: whoever loses is told so, nothing is made or done twice, and nobody waits for ever."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import httpx2
import msgspec
import pytest

from cove.testing import Cove

pytestmark = pytest.mark.anyio


@pytest.fixture
async def many(cove: Cove) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.AsyncHTTPTransport(uds=str(cove.socket), limits=httpx2.Limits(max_connections=100))
    headers = {"Authorization": f"Bearer {cove.api_key}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://cove", headers=headers, timeout=120) as client:
        yield client


async def _new(many: httpx2.AsyncClient) -> str:
    return (await many.post("/v1/sessions", json={})).raise_for_status().json()["session_id"]


async def test_creation_repeated_at_once_makes_one_session(many: httpx2.AsyncClient) -> None:
    posts = (many.post("/v1/sessions", json={}, headers={"Idempotency-Key": "k"}) for _ in range(10))
    answers = [answer.json() for answer in await asyncio.gather(*posts)]
    assert {answer["session_id"] for answer in answers} == {answers[0]["session_id"]}
    assert {answer["state"] for answer in answers} == {"RUNNING"}
    assert (await many.get("/v1/sessions")).json()["total"] == 1


async def test_deletion_asked_for_at_once_succeeds_for_all(many: httpx2.AsyncClient) -> None:
    session = await _new(many)
    answers = await asyncio.gather(*(many.delete(f"/v1/sessions/{session}") for _ in range(10)))
    assert {answer.json()["state"] for answer in answers} == {"FINISH"}


async def test_pause_asked_for_at_once_succeeds_for_one(many: httpx2.AsyncClient) -> None:
    session = await _new(many)
    answers = await asyncio.gather(*(many.post(f"/v1/sessions/{session}/pause") for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9


async def test_call_in_flight_at_a_pause_finishes_after_the_resume(many: httpx2.AsyncClient, cove: Cove) -> None:
    session = await _new(many)
    body = {"arguments": {"command": "touch started; until [ -e go ]; do sleep 0.01; done; echo done"}}
    async with asyncio.TaskGroup() as group:
        call = group.create_task(many.post(f"/v1/sessions/{session}/tools/shell", json=body))
        wait = {"arguments": {"command": "until [ -e started ]; do sleep 0.01; done"}}
        (await many.post(f"/v1/sessions/{session}/tools/shell", json=wait)).raise_for_status()
        (await many.post(f"/v1/sessions/{session}/pause")).raise_for_status()
        (cove.directory / "sandboxes" / session / "home/wuying/go").touch()
        finished, _ = await asyncio.wait({call}, timeout=0.4)
        assert not finished
        (await many.post(f"/v1/sessions/{session}/resume")).raise_for_status()
    assert call.result().json()["structured"]["stdout"] == "done\n"


async def test_result_of_a_call_whose_client_went_away_is_still_there(many: httpx2.AsyncClient, cove: Cove) -> None:
    session = await _new(many)
    command = "echo x >> runs; touch started; until [ -e go ]; do sleep 0.01; done; cat runs"
    body = {"arguments": {"command": command}, "call_id": "c-1"}
    with _sent(cove, f"/v1/sessions/{session}/tools/shell", msgspec.json.encode(body)):
        wait = {"arguments": {"command": "until [ -e started ]; do sleep 0.01; done"}}
        (await many.post(f"/v1/sessions/{session}/tools/shell", json=wait)).raise_for_status()
    (cove.directory / "sandboxes" / session / "home/wuying/go").touch()
    answer = await many.post(f"/v1/sessions/{session}/tools/shell", json=body)
    assert answer.json()["structured"]["stdout"] == "x\n"


@contextmanager
def _sent(cove: Cove, path: str, body: bytes) -> Iterator[None]:
    """A request, whose client hangs up unanswered when the block is left."""
    head = f"POST {path} HTTP/1.1\r\nHost: cove\r\nAuthorization: Bearer {cove.api_key}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(cove.socket))
        connection.sendall(head.encode() + body)
        yield


async def test_call_can_be_cancelled(many: httpx2.AsyncClient) -> None:
    session = await _new(many)
    body = {"arguments": {"command": "touch started; sleep 60"}, "call_id": "c-1"}
    async with asyncio.TaskGroup() as group:
        call = group.create_task(many.post(f"/v1/sessions/{session}/tools/shell", json=body))
        wait = {"arguments": {"command": "until [ -e started ]; do sleep 0.01; done"}}
        (await many.post(f"/v1/sessions/{session}/tools/shell", json=wait)).raise_for_status()
        assert (await many.delete(f"/v1/sessions/{session}/calls/c-1")).status_code == 204
    assert call.result().json()["failure"]["code"] == "CommandCancelled"


async def test_call_of_a_paused_session_cannot_be_cancelled_and_says_so_at_once(many: httpx2.AsyncClient) -> None:
    session = await _new(many)
    (await many.post(f"/v1/sessions/{session}/pause")).raise_for_status()
    answer = await many.delete(f"/v1/sessions/{session}/calls/c-1")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "SessionPaused")


@pytest.mark.parametrize("seed", range(5))
async def test_moves_in_any_order_at_once_never_leave_a_session_astray(
    many: httpx2.AsyncClient, cove: Cove, seed: int
) -> None:
    chance = random.Random(seed)
    sessions = [await _new(many) for _ in range(3)]
    requests = [("POST", "/pause"), ("POST", "/resume"), ("POST", "/keep-alive"), ("GET", ""), ("GET", "/metrics")]
    requests += [("POST", "/pause?wait=false"), ("POST", "/resume?wait=false"), ("DELETE", "")]
    weights = [4, 4, 1, 1, 1, 4, 4, 1]
    chosen = [(chance.choice(sessions), *chance.choices(requests, weights)[0]) for _ in range(80)]
    answers = await asyncio.gather(
        *(many.request(method, f"/v1/sessions/{session}{path}") for session, method, path in chosen)
    )
    assert {answer.status_code for answer in answers} <= {200, 204, 404, 409, 410}
    for session in sessions:
        assert (await many.delete(f"/v1/sessions/{session}")).json()["state"] == "FINISH"
    assert cove.run(cove.driver.known()) == set()


async def test_fifty_sessions_made_used_and_deleted_at_once_all_succeed(many: httpx2.AsyncClient) -> None:
    async def live(number: int) -> str:
        session = await _new(many)
        body = {"arguments": {"command": f"echo {number}"}}
        answer = await many.post(f"/v1/sessions/{session}/tools/shell", json=body)
        (await many.delete(f"/v1/sessions/{session}")).raise_for_status()
        return answer.json()["structured"]["stdout"]

    assert await asyncio.gather(*(live(n) for n in range(50))) == [f"{n}\n" for n in range(50)]
