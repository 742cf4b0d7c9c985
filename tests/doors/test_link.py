"""A session's own address, by a grammar: calls and messages that are nearly right, and clients that vanish."""

import json
import socket
import struct
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.doors.grammar import TEXTS, TOOLS
from tests.doors.house import House, leaks
from tests.doors.speaking import Request, Rest
from tests.waiting import until_none
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

SEED, CALLS, MESSAGES, VANISHING = 20261121, 500, 600, 15
PATIENCE = 40.0
_HARMLESS_ENDS = {1000, 1007, 1008, 1009}
"""Not 1011, which is a defect."""
_MASK = b"\0\0\0\0"


@pytest.fixture(scope="module")
def told(house: House, key: str, session: str) -> dict[str, str]:
    """What AGB's client is told of the session: its addresses, and its token."""
    return dict(house.ask(Rest(), "GetSession", key, session_id=session).data)


def _value(random: Random, depth: int = 2) -> Any:
    if depth and random.random() < 0.4:
        return random.choice(
            (
                {random.choice(("command", "path", "a", "")): _value(random, depth - 1)},
                [_value(random, depth - 1)],
                json.dumps({"path": "/tmp", "command": "true"}),
            )
        )
    return random.choice((None, True, 0, -1, 1e308, 10**30, *TEXTS, *TOOLS))


def _calls(random: Random, told: dict[str, str]) -> Iterator[Request]:
    path = urlsplit(told["linkUrl"]).path
    while True:
        args = random.choice(({"command": "true"}, {"path": "/tmp"}, {}, _value(random)))
        body: dict[str, Any] = {"tool": random.choice(TOOLS), "args": args, "token": told["token"]}
        body |= {
            random.choice(("tool", "args", "token", "server", "x")): _value(random)
            for _ in range(random.choice((0, 0, 0, 1, 2)))
        }
        said = json.dumps(body).encode()
        others = (said[: random.randrange(len(said))], random.randbytes(30), b"[" * 9000)
        spoilt = said if random.random() < 0.85 else random.choice(others)
        where = random.choice(("/callTool",) * 40 + ("/callTool/", "/calltool", "", "/../x/callTool", "%00/callTool"))
        shown = random.choice((told["token"],) * 20 + ("", "x", told["token"][:-1], told["token"].upper()))
        method = random.choice(("POST",) * 30 + ("GET", "PUT"))
        yield Request(method=method, target=path + where, body=spoilt, headers={"X-Access-Token": shown})


def test_every_call_of_the_grammar_is_answered_and_each_refusal_logged_once(
    house: House, told: dict[str, str], key: str
) -> None:
    since, statuses, refused = house.log_mark(), Counter[int](), 0
    calls = _calls(Random(SEED), told)
    for _ in range(CALLS):
        request = next(calls)
        status, headers, body = house.line.send(request)
        statuses[status] += 1
        assert status < 500, (request, body)
        assert not leaks(body.decode(), key), request
        if b'"result":{' in body:
            envelope = json.loads(body)
            assert envelope["requestId"] == headers["x-request-id"]
            assert envelope["data"]["result"]["content"][0]["text"] or envelope["success"]
            refused += not envelope["success"]
        else:
            assert status >= 400, (request, body)
            refused += 1
    assert statuses[200] > CALLS / 5, statuses
    _check_log(house, since, refused)


def _check_log(house: House, since: int, refused: int) -> None:
    lines = house.logged(since)
    per_request = Counter(line["request_id"] for line in lines if line["event"] == "refused")
    assert len(per_request) == per_request.total() == refused
    assert not [line for line in lines if line["level"] in ("warning", "error") or leaks(str(line))]


def _messages(random: Random) -> Iterator[str | bytes]:
    methods = ("subscribe_file_change", "unsubscribe_file_change", "run_code", "pty.create", "nope", "", 5, None)
    while True:
        message: Any = {
            "invocationId": random.choice(("a" * 32, "b", "", 5, None, "x" * 9000)),
            "source": "SDK",
            "target": random.choice(("wuying_filesystem", "PTY_SERVER", "", None, [], "x" * 9000)),
            "data": {
                "method": random.choice(methods),
                "params": random.choice(({"path": "/tmp"}, {}, None, _value(random))),
            },
        }
        if random.random() < 0.3:
            message[random.choice(("data", "target", "type", "invocationId", "x"))] = _value(random)
        text = json.dumps(message)
        others = (
            text[: random.randrange(len(text))],
            random.randbytes(30),
            text.encode(),
            '{"type":"ping"}',
            "[" * 9000,
            "",
        )
        yield text if random.random() < 0.8 else random.choice(others)


def test_whatever_a_websocket_says_it_is_answered_or_hung_up_on_and_the_next_one_serves(
    house: House, told: dict[str, str]
) -> None:
    since, random = house.log_mark(), Random(SEED)
    messages, ends = _messages(random), Counter[int]()
    sent = 0
    while sent < MESSAGES:
        shown = {"X-Access-Token": told["token"]}
        with connect(told["wsUrl"], additional_headers=shown, proxy=None, open_timeout=PATIENCE) as line:
            try:
                for _ in range(random.randrange(1, 40)):
                    line.send(next(messages))
                    sent += 1
                assert "phase" in _asked(line)
            except ConnectionClosed as end:
                ends[end.rcvd.code if end.rcvd else 0] += 1
    assert set(ends) <= _HARMLESS_ENDS, ends
    assert not [line for line in house.logged(since) if line["level"] in ("warning", "error") or leaks(str(line))]


def _asked(line: Any) -> dict[str, Any]:
    """The answer to a question that is right, after whatever is told of earlier ones."""
    data = {"method": "subscribe_file_change", "params": {"path": "/tmp"}}
    line.send(json.dumps({"invocationId": "last", "source": "SDK", "target": "wuying_filesystem", "data": data}))
    while (found := json.loads(line.recv(PATIENCE)))["invocationId"] != "last":
        pass
    return dict(found["data"])


def test_token_of_another_session_opens_neither_door(house: House, key: str, told: dict[str, str]) -> None:
    other = dict(house.ask(Rest(), "GetSession", key, session_id=house.new_session(key)).data)
    since = house.log_mark()
    shown = {"X-Access-Token": told["token"]}
    with pytest.raises(InvalidStatus) as refused:
        connect(other["wsUrl"], additional_headers=shown, proxy=None, open_timeout=PATIENCE)
    assert refused.value.response.status_code == 403
    body = json.dumps({"tool": "shell", "args": {"command": "true"}}).encode()
    target = f"{urlsplit(other['linkUrl']).path}/callTool"
    status, _, _ = house.line.send(Request(target=target, body=body, headers={"X-Access-Token": told["token"]}))
    assert status == 403
    assert [line["event"] for line in house.logged(since)] == ["refused", "refused"]
    house.native("DELETE", f"/v1/sessions/{other['sessionId']}", key=key)


def _handshake(told: dict[str, str]) -> bytes:
    path = urlsplit(told["wsUrl"]).path
    lines = (
        f"GET {path} HTTP/1.1",
        "Host: a",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
    )
    more = ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", f"X-Access-Token: {told['token']}", "", "")
    return "\r\n".join((*lines, *more)).encode()


def _frame(text: bytes) -> bytes:
    return struct.pack("!BBH", 0x81, 0x80 | 126, len(text)) + _MASK + text


def _post(target: str, body: bytes, shown: str = "", *, cut: int = 0) -> bytes:
    head = f"POST {target} HTTP/1.1\r\nHost: http://a:1\r\n{shown}Content-Length: {len(body)}\r\n\r\n"
    whole = head.encode() + body
    return whole[: len(whole) - cut]


def _ways(told: dict[str, str], key: str) -> dict[str, bytes]:
    """What a client has sent when it vanishes."""
    session = told["sessionId"]
    subscribe = {"invocationId": "v", "target": "wuying_filesystem"}
    subscribe["data"] = {"method": "subscribe_file_change", "params": {"path": "/tmp"}}  # type: ignore[assignment]
    watching = _handshake(told) + _frame(json.dumps(subscribe).encode())
    command = json.dumps({"command": "sleep 0.5"})
    rpc = f"Authorization=Bearer+{key}&SessionId={session}&Name=shell&Args={command.replace(' ', '+')}".encode()
    rest = json.dumps({"sessionId": session, "name": "shell", "args": command}).encode()
    bearer, call = f"authorization: Bearer {key}\r\n", "/?Action=CallMcpTool"
    return {
        "half of a handshake": _handshake(told)[:90],
        "an open WebSocket": _handshake(told),
        "a watch": watching,
        "half of a message": watching[:-9],
        "half of a form": _post(call, rpc, cut=20),
        "half of a body": _post("/mcp", rest, bearer, cut=20),
        "a call by form": _post(call, rpc),
        "a call by JSON": _post("/mcp", rest, bearer),
        "a call by link": _post(f"{urlsplit(told['linkUrl']).path}/callTool", _linked(told, command)),
        "half of a request line": b"POST /?Action=" + b"x" * 100_000,
    }


def _linked(told: dict[str, str], command: str) -> bytes:
    return json.dumps({"tool": "shell", "args": json.loads(command), "token": told["token"]}).encode()


@pytest.mark.parametrize("is_rude", [False, True], ids=["closing", "resetting"])
def test_clients_that_vanish_leave_nothing_behind(
    house: House, key: str, told: dict[str, str], *, is_rude: bool
) -> None:
    ways = _ways(told, key)
    house.ask(Rest(), "CallMcpTool", key, session_id=told["sessionId"], name="shell", args='{"command": "true"}')
    _vanish(house, ways, 1, is_rude=is_rude)
    until_none(lambda: _running(house))
    before, since = house.footprint(), house.log_mark()

    _vanish(house, ways, VANISHING, is_rude=is_rude)

    house.until_as(before, 60.0)
    assert not [line for line in house.logged(since) if line["level"] == "error" or leaks(str(line))]


def _running(house: House) -> list[str]:
    return [process for process in house.footprint().processes if process.startswith("sleep")]


def _vanish(house: House, ways: dict[str, bytes], count: int, *, is_rude: bool) -> None:
    place = urlsplit(house.url)
    for data in ways.values():
        for _ in range(count):
            with socket.create_connection((place.hostname or "", place.port or 0), PATIENCE) as line:
                line.sendall(data)
                if is_rude:
                    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
