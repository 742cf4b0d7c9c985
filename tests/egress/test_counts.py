"""What goes through is counted, for each session apart, and told in its metrics and in the relay's log."""

from typing import Any

import msgspec
import pytest
from tests.waiting import until

import cove

pytestmark = pytest.mark.isolation


def used(session: cove.Session) -> tuple[float, float]:
    """Bytes that a session received and sent."""
    metrics = session.get_metrics().unwrap()
    return metrics.rx_used_kbyte * 1024, metrics.tx_used_kbyte * 1024


def test_each_session_s_bytes_are_its_own(served: Any, greeters: Any, probe: Any) -> None:
    talking, silent = served.bay.create().unwrap(), served.bay.create().unwrap()
    assert used(talking) == used(silent) == (0, 0)
    for count in (1, 2):
        assert probe(talking, "tcp", greeters.host, greeters.allowed) == "hello"
        assert used(talking) == (len("hello") * count, len("hello\r\n\r\n") * count)
    assert used(silent) == (0, 0)


def test_refused_connection_counts_nothing_and_is_in_the_log(served: Any, greeters: Any, probe: Any) -> None:
    session = served.bay.create().unwrap()
    probe(session, "tcp", greeters.host, greeters.other)
    assert used(session) == (0, 0)
    session.delete().unwrap()

    def told() -> list[dict[str, Any]]:
        text = (served.data / "relay.log").read_bytes()
        lines = [msgspec.json.decode(line) for line in text.splitlines(keepends=True) if line.endswith(b"\n")]
        return [line for line in lines if line.get("session") == session.session_id]

    (mine,) = until(told, "the log tells it")
    assert (mine["host"], mine["port"], mine["verdict"]) == (greeters.host, greeters.other, "refused")
