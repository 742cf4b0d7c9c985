"""The official clients, untouched, against `cove up --tls`: they trust it by the two variables that it prints."""

from typing import Any

import pytest
from tests.contract.clients import Client
from tests.contract.far import Process, RaisedError
from tests.serving import Server
from tests.tls.conftest import KEY
from tests.tls.official import CLIENTS, NEWEST, endpoint_of, names, run_script, wish

from cove.app.local import Started


@pytest.mark.parametrize("client", CLIENTS, ids=names(CLIENTS))
def test_an_official_client_works_over_tls(cove: tuple[Server, Started], client: Client) -> None:
    started = cove[1]
    assert started.trust is not None
    run_script(client, started.url.removeprefix("https://"), started.trust.bundle)


@pytest.mark.parametrize("client", NEWEST, ids=names(NEWEST))
def test_one_that_does_not_trust_it_shows_that(cove: tuple[Server, Started], client: Client) -> None:
    host = cove[1].url.removeprefix("https://")
    process = Process(client, **{client.endpoint_variable: endpoint_of(client, host), client.key_variable: KEY})
    try:
        assert not is_made(process, client)
    finally:
        process.close()


def is_made(process: Process, client: Client) -> Any:
    """Whether there is a session; some clients raise, some give a failed result."""
    try:
        return process.find(client.entry)().create(wish(process, client)).success
    except RaisedError:
        return False


@pytest.mark.parametrize("client", NEWEST, ids=names(NEWEST))
def test_its_websocket_is_wss(cove: tuple[Server, Started], client: Client) -> None:
    started = cove[1]
    assert started.trust is not None
    bundle, host = started.trust.bundle, started.url.removeprefix("https://")
    trusting = {"SSL_CERT_FILE": bundle, "REQUESTS_CA_BUNDLE": bundle}
    known = {client.endpoint_variable: endpoint_of(client, host), client.key_variable: KEY}
    process = Process(client, **known, **trusting)
    try:
        session = process.find(client.entry)().create(wish(process, client)).session
        assert session.ws_url.startswith("wss://")
        line = session._get_ws_client()
        line.connect()
        line.close()
        session.delete()
    finally:
        process.close()
