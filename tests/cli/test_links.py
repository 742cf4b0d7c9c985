"""`cove session link`, `links` and `unlink`."""

import json
from typing import Any

import httpx2
import pytest

PORT = "30142"


def listed(run: Any, session: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run("session", "links", session, "--json").stdout)
    return found


def test_a_link_is_an_address_alone_on_its_line(run: Any, session: str) -> None:
    made = run("session", "link", session, PORT)
    assert (made.returncode, made.stderr) == (0, "")
    address = made.stdout.strip()
    assert address.startswith("http://127.")
    answer = httpx2.get(address, trust_env=False, timeout=20)
    assert (answer.status_code, f"nothing listens on port {PORT}" in answer.text) == (502, True)


def test_links_are_listed(run: Any, session: str) -> None:
    first = run("session", "link", session, PORT).stdout.strip()
    made = json.loads(run("session", "link", session, PORT, "--protocol", "wss", "--expires", "100", "--json").stdout)
    assert [link["url"] for link in listed(run, session)] == [first, made["url"]]
    head, *rows = run("session", "links", session).stdout.splitlines()
    assert head.split("\t") == ["LINK", "PORT", "PROTOCOL", "EXPIRES IN", "ADDRESS"]
    assert [row.split("\t")[1:3] for row in rows] == [[PORT, "https"], [PORT, "wss"]]
    assert rows[0].split("\t")[3] == "-"


def test_links_are_taken_back_one_by_one_or_all(run: Any, session: str) -> None:
    for expires in ("100", "200", "300"):
        run("session", "link", session, PORT, "--expires", expires)
    first = listed(run, session)[0]["link_id"]
    one = run("session", "unlink", session, first)
    assert (one.returncode, one.stdout) == (0, "1 revoked\n")
    assert first not in str(listed(run, session))
    every = run("session", "unlink", session, "--all", "--json")
    assert json.loads(every.stdout) == {"session_id": session, "revoked": 2}
    assert listed(run, session) == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("link", "ID", "8080"), 1, "Invalid port value: 8080. Port must be an integer in the range [30100, 30199]."),
        (("link", "ID", "many"), 1, "Invalid port value: many. Port must be an integer in the range [30100, 30199]."),
        (("link", "ID", PORT, "--protocol", "http"), 1, "http not supported"),
        (("link", "ID", PORT, "--expires", "0"), 1, "expires_in = 0.0 is not valid"),
        (("link", "s-none", PORT), 1, "no session 's-none'"),
        (("links", "s-none"), 1, "no session 's-none'"),
        (("unlink", "ID"), 2, "name links, or say --all"),
        (("unlink", "ID", "l-1", "--all"), 2, "name links, or say --all"),
        (("unlink", "ID", "l-1"), 1, "no link 'l-1'"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    run: Any, session: str, words: tuple[str, ...], code: int, said: str
) -> None:
    done = run("session", *(session if word == "ID" else word for word in words))
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
