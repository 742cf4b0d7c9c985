"""What a door costs: one tool's call through each of them in turn, beside the same call asked of the guest itself.

The tool looks up a variable, which is the least that any does, so that the doors make the difference. Every request is
what the clients send, byte by byte, on a connection that stays.
"""

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import msgspec

from benchmarks import websockets
from benchmarks.bench import Bench
from benchmarks.callers import Caller, Callers, Target
from benchmarks.samples import Samples
from benchmarks.server import Running, running
from cove import AgentBay, Session
from cove.core.frames import FrameReader, frame

TOOL, SERVER, ARGUMENTS = "get_env", "wuying_system", {"keys": ["HOME"]}
GUEST = "floor: the call, in the guest"
NATIVE = "tool call: native REST"
CONNECTIONS = 16
ROUNDS, CALLS = 5, 600
_WARM_UP = 50


class Door(msgspec.Struct, frozen=True):
    """One way to call the tool: a request, and where it goes. `floor` is what it is told beside."""

    name: str
    target: Target
    request: bytes
    floor: str = NATIVE


def measure(bench: Bench) -> list[Samples]:
    """A call through each door, and calls per second; in a Cove of its own, whose key is known."""
    with running() as server, AgentBay(endpoint=server.endpoint) as bay, bay.open() as session:
        doors = _doors(server, session)
        guest = Guest(server.data / "sandboxes" / session.session_id / "guest.sock")
        found = one_by_one(doors, guest, max(500, 10 * bench.runs))
        facts = told(doors[0].target, server.key, session.session_id)
        messages = websockets.measure(session, facts["WsUrl"], facts["Token"], bench.runs)
        return [*found, *(calls_per_second(door) for door in doors), *messages]


def _doors(server: Running, session: Session) -> list[Door]:
    url = urlsplit(server.url)
    api = Target((url.hostname or "", url.port or 80))
    return [
        Door(NATIVE, api, native(api, server.key, session.session_id), floor=GUEST),
        Door("tool call: AgentBay RPC", api, agentbay(api, server.key, session.session_id)),
        Door("tool call: AGB", api, agb(api, server.key, session.session_id)),
        linked(api, server.key, session.session_id),
    ]


def native(api: Target, key: str, session_id: str) -> bytes:
    """As Cove's client asks for the text face."""
    body = {"arguments": ARGUMENTS, "text": True}
    return api.request(
        f"/v1/sessions/{session_id}/tools/{TOOL}", _bearer(key), "Content-Type: application/json", body=_json(body)
    )


def agentbay(api: Target, key: str, session_id: str) -> bytes:
    """As AgentBay's 0.22 asks for a tool."""
    form = {"Name": TOOL, "AutoGenSession": "False", "Args": json.dumps(ARGUMENTS), "Server": SERVER}
    return rpc(api, "CallMcpTool", {"Authorization": f"Bearer {key}", "SessionId": session_id, **form})


def rpc(api: Target, action: str, form: dict[str, str]) -> bytes:
    """As it asks for anything: the action in the query, everything else in a form."""
    query = urlencode({"Action": action, "Format": "json", "Version": "2025-05-06", "SignatureNonce": "0" * 32})
    kind = "Content-Type: application/x-www-form-urlencoded"
    return api.request(f"/?{query}", kind, f"x-acs-action: {action}", body=urlencode(form).encode())


def agb(api: Target, key: str, session_id: str) -> bytes:
    """As AGB's 0.12 asks: JSON, and the arguments as JSON in it."""
    body = {"args": json.dumps(ARGUMENTS), "sessionId": session_id, "name": TOOL}
    kind = "Content-Type: application/json"
    return api.request("/mcp?autoGenSession=false", _bearer(key), kind, body=_json(body))


def linked(api: Target, key: str, session_id: str) -> Door:
    """As both clients ask at the session's own address."""
    facts = told(api, key, session_id)
    url, token = urlsplit(facts["LinkUrl"]), facts["Token"]
    body = {"args": ARGUMENTS, "server": SERVER, "requestId": "link-0-000000000", "tool": TOOL, "token": token}
    place = Target((url.hostname or "", url.port or 80), url.path)
    kind = "Content-Type: application/json"
    request = place.request("/callTool", kind, f"X-Access-Token: {token}", body=_json(body))
    return Door("tool call: LinkUrl", place, request)


def told(api: Target, key: str, session_id: str) -> dict[str, str]:
    """What AgentBay's clients are told of a session."""
    asking = Caller(api)
    answer = asking.ask(rpc(api, "GetSession", {"Authorization": f"Bearer {key}", "SessionId": session_id}))
    asking.close()
    return dict(json.loads(answer.partition(b"\r\n\r\n")[2])["Data"])


def one_by_one(doors: list[Door], guest: "Guest", rounds: int) -> list[Samples]:
    """Each door once in every round, so that whatever else the machine does is every door's alike."""
    asked: list[tuple[Samples, Callable[[], object]]] = [(Samples(name=GUEST), guest.ask)]
    callers = [Caller(door.target) for door in doors]
    for door, caller in zip(doors, callers, strict=True):
        asked.append((Samples(name=door.name, floor=door.floor), _asking(caller, door.request)))
    for number in range(_WARM_UP + rounds):
        for samples, ask in asked:
            if number < _WARM_UP:
                ask()
            else:
                samples.time(ask)
    for caller in callers:
        caller.close()
    return [samples for samples, _ in asked]


def _asking(caller: Caller, request: bytes) -> Callable[[], bytes]:
    return lambda: caller.ask(request)


def calls_per_second(door: Door) -> Samples:
    """Over a few connections, each with one call under way."""
    samples = Samples(name=door.name.replace("tool call", "tool calls"), unit="/s", more_is_better=True)
    with Callers(door.target, CONNECTIONS) as callers:
        for _ in range(ROUNDS):
            start = time.perf_counter()
            callers.ask(door.request, CALLS)
            samples.values.append(CALLS / (time.perf_counter() - start))
    return samples


class Guest:
    """The guest's own socket, asked as the node asks it: a connection for each call."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._count = 0

    def ask(self) -> dict[str, object]:
        """The tool's result."""
        self._count += 1
        params = {"name": TOOL, "arguments": ARGUMENTS, "callId": f"bench-{self._count}"}
        reader = FrameReader()
        with socket.socket(socket.AF_UNIX) as connected:
            connected.connect(self._path)
            connected.sendall(frame({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}))
            while not (messages := reader.feed(connected.recv(65536))):
                pass
        assert "result" in messages[0], messages[0]
        return messages[0]


def _bearer(key: str) -> str:
    return f"Authorization: Bearer {key}"


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
