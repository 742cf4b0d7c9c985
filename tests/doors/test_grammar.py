"""Requests by a grammar: whatever nearly is a request is answered in its dialect, in time, and never with a defect."""

from collections import Counter

import pytest
from tests.doors.grammar import send_many
from tests.doors.house import House, leaks
from tests.doors.speaking import DIALECTS, Dialect

SEED, COUNT = 20261121, 1000


@pytest.mark.timeout(600)  # a quarter of a minute where nobody else is at work
@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_every_request_of_the_grammar_is_answered_and_each_refusal_logged_once(house: House, dialect: Dialect) -> None:
    send_many(house, dialect, SEED + 1, 100)  # caches are warm
    before, since = house.footprint(), house.log_mark()

    sent = send_many(house, dialect, SEED, COUNT)

    assert not sent.wrong, f"{len(sent.wrong)} of {COUNT}, the first:\n{sent.wrong[0]}"
    assert sent.codes["ok"] > COUNT / 8
    assert len(sent.codes) > 5, sent.codes
    _check_log(house, since, COUNT - sent.codes["ok"])
    house.until_as(before)


def _check_log(house: House, since: int, refused: int) -> None:
    lines = house.logged(since)
    per_request = Counter(line["request_id"] for line in lines if line["event"] == "refused")
    assert len(per_request) == refused
    assert set(per_request.values()) <= {1}
    assert not [line for line in lines if line["level"] in ("warning", "error") or leaks(str(line))]
