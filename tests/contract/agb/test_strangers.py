"""Wrong keys, others' sessions, and sessions that never were, as AGB's clients are told of them."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.contract.agb.conftest import Make
from tests.contract.agb.making import Maker
from tests.contract.agb.words import command, good, refused
from tests.contract.clients import AGB, ENOUGH, Client, for_each
from tests.contract.conftest import Place

NEWEST = for_each(*AGB, since="0.12")


def handle(maker: Maker, cloud: Any, session_id: str) -> Any:
    """A session of that id, made by hand."""
    return maker.place.process(maker.client).find("agb.session:Session")(cloud, session_id)


@for_each(*AGB)
def test_wrong_key_is_told_by_the_name_of_its_variable(start: Callable[[str], Any], maker: Maker, make: Make) -> None:
    session, stranger = make(), start("akm-wrong")
    refused(stranger.create(maker.wish()), "AGB_API_KEY")
    other = handle(maker, stranger, session.session_id)
    refused(command(other).execute("true"), "AGB_API_KEY")
    refused(stranger.delete(other), "AGB_API_KEY")
    refused(other.info())
    good(command(session).execute("true", timeout_ms=ENOUGH))


@NEWEST
def test_wrong_key_learns_nothing(start: Callable[[str], Any], maker: Maker, make: Make) -> None:
    session, stranger = make(), start("akm-wrong")
    other = handle(maker, stranger, session.session_id)
    refused(stranger.list(), "AGB_API_KEY")
    refused(stranger.get(session.session_id), "AGB_API_KEY")
    refused(other.list_mcp_tools("agb-code-space-1"), "AGB_API_KEY")
    for ask in (other.get_status, other.keep_alive, other.get_metrics, other.get_labels, other.delete):
        refused(ask(), "AGB_API_KEY")
    refused(other.set_labels({"a": "b"}), "AGB_API_KEY")


@NEWEST
def test_session_of_another_tenant_is_not_found(
    place: Place, start: Callable[[str], Any], maker: Maker, make: Make
) -> None:
    session, stranger = make(labels={"mine": "y"}), start(place.make_key())
    assert_unknown(maker, stranger, session.session_id)
    assert good(stranger.list({"mine": "y"})).session_ids == []
    assert good(session.get_labels()).data == {"mine": "y"}
    good(session.command.execute("true", timeout_ms=ENOUGH))


@NEWEST
@pytest.mark.parametrize("session_id", ["s-none", "session-04bdwfj7u22a1s30g", "../../v1/keys", "ü 漢", "x" * 5000])
def test_session_that_never_was_is_not_found(maker: Maker, session_id: str) -> None:
    assert_unknown(maker, maker.cloud, session_id)


def assert_unknown(maker: Maker, cloud: Any, session_id: str) -> None:
    """Every method says that there is no such session."""
    found = refused(cloud.get_session(session_id), "not found")
    assert (found.code, found.http_status_code) == ("InvalidMcpSession.NotFound", 400)
    refused(cloud.get(session_id), "not found")
    ghost = handle(maker, cloud, session_id)
    status = refused(ghost.get_status(), "not found")
    assert (status.code, status.http_status_code) == ("InvalidMcpSession.NotFound", 400)
    for ask in (ghost.keep_alive, ghost.delete, ghost.get_labels, ghost.get_metrics):
        refused(ask(), "not found")
    refused(ghost.set_labels({"a": "b"}), "not found")
    refused(ghost.call_mcp_tool("shell", {"command": "true"}), "not found")
    refused(ghost.command.execute("true"), "not found")
    refused(ghost.get_link("https", 30100))
    refused(ghost.info())


@for_each(*AGB, until="0.2.2")
def test_session_that_never_was_is_not_found_by_the_first_generation(maker: Maker) -> None:
    ghost = handle(maker, maker.cloud, "s-none")
    refused(ghost.command.execute_command("true"), "not found")
    refused(maker.cloud.delete(ghost), "not found")
    refused(ghost.get_link("https", 30100))
    refused(ghost.info())


@NEWEST
def test_token_of_one_session_opens_no_other(make: Make, client: Client) -> None:
    one, two = make(), make()
    one.token = two.token
    refused(one.call_mcp_tool("shell", {"command": "true"}), "403")


@NEWEST
def test_cove_that_is_not_there_is_told(maker: Maker) -> None:
    config = maker.place.process(maker.client).find("agb.config:Config")("http://127.0.0.1:1", 2000)
    nobody = maker.place.process(maker.client).find("AGB")("key", config)
    refused(nobody.list())
    refused(nobody.create(maker.wish()))


@for_each(*AGB)
def test_endpoint_may_end_in_a_slash(maker: Maker) -> None:
    config = maker.place.process(maker.client).find("agb.config:Config")(f"{maker.place.url}/", 60_000)
    cloud = maker.place.process(maker.client).find("AGB")(maker.key, config)
    session = good(cloud.create(maker.wish())).session
    good(command(session).execute("true", timeout_ms=ENOUGH))
    good(cloud.delete(session))
