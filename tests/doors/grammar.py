"""Grammars of the two dialects: requests that are nearly right, by a seed.

`python -m tests.doors.grammar SEED COUNT` sends so many to a Cove of their own; tests send the few of one seed.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any
from urllib.parse import quote

import msgspec
from tests.doors.house import House, leaks
from tests.doors.speaking import DIALECTS, Dialect, Request, Told

from cove.compat.operations import Operation
from cove.compat.operations.catalogue import OPERATIONS
from cove.compat.operations.known_tools import LACKING

TOOLS = ("shell", "get_metrics", "read_file", "write_file", "list_directory", "set_env", "get_env", "search_files")
NAMES = sorted({name for operation in OPERATIONS for name in operation.request.__struct_fields__})
OF_CLIENTS = ("server", "auto_gen_session", "tool", "external_user_id", "login_region_id", "sdk_stats", "mcp_policy_id")
TEXTS = (
    *(
        "",
        "a",
        " ",
        "\0",
        "\r\n",
        "ü€😀",
        "\u202e",
        "\ud7ff\ue000",
        "x" * 5000,
        "%",
        "%zz",
        "%00",
        "&a=b",
        "../..",
        "' OR 1=1",
    ),
    *(
        "true",
        "False",
        "1",
        "0",
        "-1",
        "1.5",
        "1e309",
        "NaN",
        "Infinity",
        "9" * 30,
        "٣",
        "0x1f",
        "1_000",
        "null",
        "None",
    ),
    *("{}", "[]", '""', '{"a":"b"}', '{"a":1}', '{"a":{"b":[1]}}', '{"\\ud800":"x"}', '{"a":"\\u0000"}', "[" * 900),
    *(
        '{"command":"true"}',
        '{"command":5}',
        '{"path":"/tmp"}',
        '{"path":"\\u0000"}',
        '{"path":"/dev/full","content":"x"}',
    ),
    *(
        "https",
        "http",
        "wss",
        "30100",
        "30150.5",
        "RUNNING",
        "DELETED",
        "linux_latest",
        "s-none",
        "WyJ4IiwxXQ==",
        "MQ==",
    ),
)
_PLAUSIBLE: dict[str, tuple[str, ...]] = {
    "image_id": ("linux_latest", "code_latest"),
    "labels": ('{"a": "b"}', '{"ü": "€"}'),
    "idle_timeout": ("60", "300"),
    "max_lifetime": ("30",),
    "manual_release": ("True", "false"),
    "vpc_resource": ("True", "False"),
    "max_results": ("1", "100"),
    "status": ("RUNNING", "PAUSED", "DELETED"),
    "protocol_type": ("https", "wss"),
    "port": ("30100", "30199"),
    "name": TOOLS,
    "args": ('{"command": "true"}', '{"path": "/tmp"}', '{"path": "/tmp/a", "content": "b"}', "{}"),
}
_SUFFIXES = ("", "", "", "", "", ".1", ".2", ".0", ".01", ".1.a", "..", ".", ".a.b.c", "[0]", "%2e1")
_KEYS = ("sessionId", "a", "", "\0", "labels", "contextId", "__proto__")


class Grammar:
    """Requests of one dialect, the same ones for the same seed."""

    def __init__(self, dialect: Dialect, key: str, random: Random) -> None:
        self.dialect, self.session = dialect, ""
        self._key, self._random = key, random

    def request(self) -> Request:
        """The next one."""
        return {"agentbay": self._rpc, "agb": self._rest}[self.dialect.name]()

    def _rpc(self) -> Request:
        random, operation = self._random, self._operation()
        action = self._mostly(operation.action, ("", "Nope", "createmcpsession", "\0", "x" * 300))
        fields = [("Authorization", self._mostly(f"Bearer {self._key}", ("Bearer x", "x", "")))]
        fields += self._right(operation).items()
        fields += [(self._name() + random.choice(_SUFFIXES), self._text()) for _ in range(self._few())]
        random.shuffle(fields)
        shown = [("Action", action), *fields[len(fields) - random.choice((0, 0, 0, 1, 2)) :]]
        prefix = self._mostly("/", ("/a/b", "//", "/%00", "/" + quote("ü")))
        return Request(
            target=f"{prefix}?{self._encoded(shown)}",
            body=self._spoilt(self._encoded(fields).encode()),
            headers={"Content-Type": self._type(), "Host": "http://127.0.0.1:1"},
        )

    def _rest(self) -> Request:
        random, operation = self._random, self._operation()
        method, path = random.choice(operation.agb).split(" ")
        method = self._mostly(method, ("GET", "POST", "PUT", "DELETE", "OPTIONS"))
        path = self._mostly(path, (path + "/", "/" + path, path.upper(), path + "/x", "/mcp", "/browser", path + "%00"))
        right = self._right(operation)
        query = [(self._name(), self._text()) for _ in range(self._few())] + list(right.items()) * (method == "GET")
        body = json.dumps({**right, **{self._name(): self._value(3) for _ in range(self._few())}}).encode()
        return Request(
            method=method,
            target=f"{path}?{self._encoded(query)}" if query else path,
            body=b"" if method == "GET" and random.random() < 0.7 else self._spoilt(body),
            headers={"Content-Type": self._type(), "authorization": self._shown()},
        )

    def _operation(self) -> Operation:
        """One that this wire has, and more often one that is built."""
        known = [each for each in OPERATIONS if self.dialect.knows(each)]
        return self._random.choice([*known, *[each for each in known if not each.lacks] * 3])

    def _right(self, operation: Operation) -> dict[str, str]:
        """Fields as a client would send them, most of the time."""
        given = {"session_id": (self.session,), **_PLAUSIBLE}
        names = (name for name in operation.request.__struct_fields__ if name in given and self._random.random() < 0.8)
        return {self.dialect.case(name): self._random.choice(given[name]) for name in names}

    def _few(self) -> int:
        return self._random.choice((0, 0, 0, 1, 2, 4))

    def _mostly(self, usual: str, others: tuple[str, ...]) -> str:
        return usual if self._random.random() < 0.93 else self._random.choice(others)

    def _name(self) -> str:
        name = self._random.choice(NAMES * 3 + list(OF_CLIENTS))
        return self._mostly(self.dialect.case(name), (name, name.upper(), "", "\0", "x" * 300))

    def _text(self) -> str:
        return self._random.choice((*TEXTS, *TOOLS, self._random.choice(list(LACKING)), *[self.session] * 25))

    def _value(self, depth: int) -> Any:
        """Any JSON; where it may go no deeper, a leaf."""
        random = self._random
        inner: tuple[Callable[[], Any], ...] = (
            lambda: [self._value(depth - 1) for _ in range(random.randrange(3))],
            lambda: {random.choice(_KEYS): self._value(depth - 1) for _ in range(random.randrange(3))},
            lambda: json.dumps(self._value(depth - 1)),
        )
        if depth and random.random() < 0.3:
            return random.choice(inner)()
        return random.choice((None, True, False, 0, 1, -1, 30100, 1.5, 1e308, 10**11, 10**30, *[self._text()] * 12))

    def _shown(self) -> str:
        return self._mostly(f"Bearer {self._key}", ("Bearer x", "Bearer", "x", "", f"bearer   {self._key} "))

    def _type(self) -> str:
        usual = ("application/x-www-form-urlencoded", "application/json")[self.dialect.name == "agb"]
        return self._mostly(
            usual, ("", "text/plain", "multipart/form-data; boundary=x", "application/json; charset=utf-16")
        )

    def _encoded(self, fields: list[tuple[str, str]]) -> str:
        plain = "&".join(f"{quote(name)}={quote(value)}" for name, value in fields)
        return plain if self._random.random() < 0.95 else quote(plain)

    def _spoilt(self, body: bytes) -> bytes:
        """The body as it is, or cut, doubled, with a byte changed, or something else altogether."""
        random = self._random
        place = random.randrange(len(body) + 1)
        others = (body[:place], body * 2, body[:place] + random.randbytes(3) + body[place:], random.randbytes(40), b"")
        return body if random.random() < 0.85 else random.choice(others)


NATIVE = "native"
"""Counted in the place of a code where a request was none of the dialect's."""


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it: how often each code was told, and the requests that were answered wrongly."""

    codes: Counter[str]
    wrong: list[str]


def send_many(house: House, dialect: Dialect, seed: int, count: int) -> Sent:
    """Send so many requests, on sessions of a tenant of their own that are gone afterwards."""
    key, codes, wrong = house.new_key(), Counter[str](), []
    grammar = Grammar(dialect, key, Random(seed))
    for number in range(count):
        if number % 40 == 0:
            _clear(house, key)
            grammar.session = house.new_session(key)
        request = grammar.request()
        told = _told(house, dialect, request)
        codes[told if isinstance(told, str) else told.code] += 1
        if problem := _problem(told, key):
            wrong.append(f"{problem}: {request}\n-> {told}"[:2000])
    _clear(house, key)
    return Sent(codes=codes, wrong=wrong)


def _told(house: House, dialect: Dialect, request: Request) -> Told | str:
    """The answer, or why it was none in this dialect; what reaches the native door is told there."""
    try:
        answered = house.line.send(request)
        if answered[0] in (400, 404, 405) and b'{"error":{' in answered[2][:10]:
            return NATIVE
        return dialect.read(answered)
    except (AssertionError, LookupError, ValueError, OSError) as error:
        house.line.close()
        return f"no answer of {dialect.name}: {error!r}"


def _problem(told: Told | str, key: str) -> str:
    if told == NATIVE:
        return ""
    if isinstance(told, str):
        return "not understood"
    if told.status >= 500:
        return "a defect"
    return "tells too much" if leaks(told.text, key) else ""


def _clear(house: House, key: str) -> None:
    while sessions := house.native("GET", "/v1/sessions?limit=100", key=key)["sessions"]:
        for session in sessions:
            house.native("DELETE", f"/v1/sessions/{session['session_id']}", key=key)


def main() -> None:
    """A long run, by hand."""
    house = House()
    try:
        for dialect in DIALECTS:
            sent = send_many(house, dialect, int(sys.argv[1]), int(sys.argv[2]))
            print(dialect.name, sent.codes, *sent.wrong[:10], sep="\n")
    finally:
        house.close()


if __name__ == "__main__":
    main()
