"""Whatever is bad about a request in a dialect is told in that dialect, logged once, and costs nothing for long."""

import re

import pytest
from tests.doors.house import House, leaks
from tests.doors.rows import Case, Row
from tests.doors.speaking import BY_ACTION, DIALECTS, Dialect, Told
from tests.doors.table import ROWS

BY_NAME = {dialect.name: dialect for dialect in DIALECTS}
PAIRS = [(BY_NAME[name], row) for row in ROWS for name in row.dialects]
_LONGEST_MESSAGE = 500
_DRIFT_BYTES = 6 * 1024 * 1024
"""Of one round: what the allocator gives back sooner or later; 10 KiB that stay of each request are more."""
_ROUNDS = 5


def _title(value: object) -> str:
    return str(getattr(value, "name", value))


@pytest.fixture(scope="module")
def revoked(house: House) -> str:
    """A key that was good."""
    made = house.native("POST", "/v1/keys", {"tenant": "gone"})
    house.native("DELETE", f"/v1/keys/{made['key']['key_id']}")
    return str(made["secret"])


@pytest.fixture
def case(house: House, dialect: Dialect, key: str, session: str, stranger: str, revoked: str) -> Case:
    return Case(dialect=dialect, key=key, session=session, stranger=stranger, revoked=revoked)


@pytest.mark.parametrize(("dialect", "row"), PAIRS, ids=_title)
def test_bad_request_is_told_in_its_dialect_and_logged_once(
    house: House, dialect: Dialect, row: Row, case: Case
) -> None:
    since = house.log_mark()

    told = dialect.read(house.line.send(row.build(case)))

    assert (told.status, told.code) == (row.status, dialect.codes.get(row.code, row.code)), told.message
    assert row.says.lower() in told.message.lower()
    assert 0 < len(told.message) < _LONGEST_MESSAGE
    assert not leaks(told.text)
    _check_log(house, since, told)


def _check_log(house: House, since: int, told: Told) -> None:
    lines = [line for line in house.logged(since) if line.get("request_id") == told.request_id]
    (line,) = lines
    assert (line["event"], line["level"], line["status"]) == ("refused", "info", told.status)
    assert not leaks(str(line))
    assert "exception" not in line


@pytest.mark.parametrize("dialect", DIALECTS, ids=_title)
def test_unharmed_by_all_of_it_the_session_still_serves(house: House, dialect: Dialect, key: str, session: str) -> None:
    told = house.ask(dialect, "CallMcpTool", key, session_id=session, name="shell", args='{"command": "echo on"}')
    assert "on" in told.data["content"][0]["text"]
    assert house.ask(dialect, "GetSessionDetail", key, session_id=session).data[dialect.case("status")] == "RUNNING"


@pytest.mark.parametrize("dialect", DIALECTS, ids=_title)
def test_another_tenants_session_and_none_are_told_alike(
    house: House, dialect: Dialect, session: str, stranger: str
) -> None:
    for action, operation in BY_ACTION.items():
        if "session_id" not in operation.request.__struct_fields__:
            continue
        given = {"labels": '{"a": "b"}', "name": "shell", "protocol_type": "https", "port": "30100"}
        theirs, none = (
            house.ask(dialect, action, stranger, session_id=asked, **given)
            for asked in (session, "s-" + "0" * (len(session) - 2))
        )
        assert (theirs.status, theirs.code) == (none.status, none.code)
        assert re.sub("s-[0-9a-z]+", "", theirs.message) == re.sub("s-[0-9a-z]+", "", none.message)
    assert house.ask(dialect, "ListSession", stranger).data == []


@pytest.mark.parametrize("word", ["True", "true", "TRUE", "tRuE", "1", "yes", "YES", "on", " true "])
@pytest.mark.parametrize("dialect", DIALECTS, ids=_title)
def test_yes_is_understood_in_every_spelling(house: House, dialect: Dialect, word: str) -> None:
    assert _idle_timeout(house, dialect, word) == 30 * 86400


@pytest.mark.parametrize("word", ["False", "false", "FALSE", "0", "no", "off", "oFf", ""])
@pytest.mark.parametrize("dialect", DIALECTS, ids=_title)
def test_no_is_understood_in_every_spelling(house: House, dialect: Dialect, word: str) -> None:
    assert _idle_timeout(house, dialect, word) == 300


@pytest.mark.parametrize(("value", "seconds"), [(True, 30 * 86400), (False, 300), (None, 300)])
def test_true_and_false_of_json_are_understood_too(house: House, value: bool | None, seconds: float) -> None:
    assert _idle_timeout(house, BY_NAME["agb"], value) == seconds


def _idle_timeout(house: House, dialect: Dialect, value: object) -> float:
    """Of a session that is made with `manual_release` in this spelling, and is gone afterwards."""
    key = house.new_key()
    made = house.ask(dialect, "CreateMcpSession", key, manual_release=value)
    session_id = made.data[dialect.case("session_id")]
    seconds = float(house.native("GET", f"/v1/sessions/{session_id}", key=key)["idle_timeout"])
    assert house.ask(dialect, "ReleaseMcpSession", key, session_id=session_id).is_success
    return seconds


def test_no_bad_request_leaves_a_descriptor_a_process_or_memory_behind(
    house: House, key: str, session: str, stranger: str, revoked: str
) -> None:
    def send_all() -> None:
        for dialect, row in PAIRS:
            case = Case(dialect=dialect, key=key, session=session, stranger=stranger, revoked=revoked)
            assert house.line.send(row.build(case))[0] == row.status

    house.check_nothing_stays_of(send_all, _ROUNDS, _DRIFT_BYTES)
