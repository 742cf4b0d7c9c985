"""Whether anybody needs a server: what counts as a use, and that nothing is counted too early."""

from collections.abc import Callable

import httpx2
from tests.waiting import until

from cove.server.presence import Presence
from cove.testing import Cove, running_cove


class Seconds:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def idle_for(seconds: float) -> tuple[Presence, Seconds]:
    clock = Seconds()
    presence = Presence(clock=clock)
    presence.count(0, presence.uses)
    clock.now = seconds
    return presence, clock


def test_time_without_a_request_and_a_session_is_time_unneeded() -> None:
    assert idle_for(7.0)[0].unneeded_seconds() == 7.0


def test_a_session_makes_a_server_needed() -> None:
    presence, _ = idle_for(7.0)
    presence.count(1, presence.uses)
    assert presence.unneeded_seconds() == 0.0


def test_a_request_in_flight_makes_it_needed_and_its_end_begins_anew() -> None:
    presence, clock = idle_for(7.0)
    with presence.use():
        assert presence.unneeded_seconds() == 0.0
        clock.now = 9.0
    presence.count(0, presence.uses)
    clock.now = 10.0
    assert presence.unneeded_seconds() == 1.0


def test_a_count_from_before_a_request_says_nothing_of_what_it_made() -> None:
    presence, clock = idle_for(7.0)
    uses = presence.uses
    with presence.use():
        pass
    presence.count(0, uses)
    clock.now = 99.0
    assert presence.unneeded_seconds() == 0.0


def test_what_was_never_counted_may_be_a_session() -> None:
    clock = Seconds()
    presence = Presence(clock=clock)
    clock.now = 99.0
    assert presence.unneeded_seconds() == 0.0


def test_the_time_of_the_start_does_not_count() -> None:
    presence, clock = idle_for(7.0)
    presence.begin()
    clock.now = 8.0
    assert presence.unneeded_seconds() == 1.0


def test_probes_are_no_use_and_requests_are(connect: Callable[[Cove], httpx2.Client]) -> None:
    presence = Presence()
    with running_cove(presence=presence) as cove, connect(cove) as http:
        assert http.get("/healthz").json()["is_busy"] is False
        assert presence.uses == 0
        http.get("/v1/sessions")
        until(lambda: presence.uses == 1, "the use has ended, which may be after its answer")
