"""The page of the official clients does not lie: it names their public methods, and each does what it says."""

import pytest
from tests.contract.conftest import Place
from tests.contract.surfaces import CLIENTS, IN_CLIENT, Promise, called, promises, public_methods

FROM_WHAT_IS_REFUSED = ("session.pty.handle.", "session.browser.screenshot")
"""What is called on a thing, or with one, that only a refused method would give."""
KEPT_BY_THE_CLIENT = {
    *("session.browser.agent.act", "session.browser.agent.act_async", "session.browser.agent.close_async"),
    *("session.browser.agent.observe", "session.browser.agent.observe_async"),
    *("session.browser.agent.extract", "session.browser.agent.extract_async"),
}
"""Methods of AGB's client that say only that they failed, whatever they were told."""
OWN_FAULTS = {"AgentBay.beta_skills.bind_context"}
"""Methods of AgentBay's synchronous client that fail before they ask anybody."""
Told = dict[str, tuple[bool | None, str]]
ASKED = [
    promise
    for promise in promises()
    if promise.verdict != IN_CLIENT and not promise.method.startswith(FROM_WHAT_IS_REFUSED)
]


@pytest.fixture(scope="module")
def told(place: Place) -> dict[str, Told]:
    """What came of each method, by client."""
    asked = {name: [each.method for each in ASKED if each.client == name] for name in CLIENTS}
    return {name: called(name, methods, place.url, place.make_key()) for name, methods in asked.items()}


@pytest.mark.parametrize("name", CLIENTS)
def test_page_names_the_public_methods_of_the_client_and_no_other(name: str) -> None:
    written = {each.method for each in promises() if each.client == name}
    has = [(names.split(), method) for names, methods in public_methods(name).items() for method in methods]
    missing = [f"{names[0]}.{method}" for names, method in has if not written & {f"{each}.{method}" for each in names}]
    assert missing == []
    assert written <= {f"{each}.{method}" for names, method in has for each in names}


@pytest.mark.parametrize("promise", ASKED, ids=lambda promise: f"{promise.client}:{promise.method}")
def test_method_does_what_the_page_says(told: dict[str, Told], promise: Promise) -> None:
    worked, shown = told[promise.client][promise.method]
    kind, _, capability = promise.verdict.partition(": ")
    if kind != "refused":
        assert worked is not False, shown
        return
    assert worked is not True, shown
    if promise.method not in KEPT_BY_THE_CLIENT | OWN_FAULTS:
        assert f"'{capability}'" in shown.replace("\\'", "'"), shown
