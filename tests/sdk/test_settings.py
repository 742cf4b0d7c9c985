"""Where a client looks for its server and its key."""

from pathlib import Path
from typing import Any

import pytest

import cove
from cove.sdk._settings import client_settings, data_dir, local_endpoint


def endpoint_of(environ: dict[str, str], **given: Any) -> str:
    settings = client_settings("", given.get("endpoint"), given.get("cfg"), given.get("env_file"), environ)
    return settings.address.shown


def test_the_argument_goes_before_config_environment_file_and_default(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("# where\nexport COVE_ENDPOINT='http://file'\nCOVE_API_KEY=from-file\n")
    environ = {"COVE_ENDPOINT": "http://environment"}
    config = cove.Config(endpoint="http://config")
    assert endpoint_of(environ, endpoint="http://argument", cfg=config, env_file=env_file) == "http://argument"
    assert endpoint_of(environ, cfg=config, env_file=env_file) == "http://config"
    assert endpoint_of(environ, env_file=env_file) == "http://environment"
    assert endpoint_of({}, env_file=env_file) == "http://file"
    assert endpoint_of({"COVE_DATA": "/srv/c"}) == "unix:///srv/c/run/cove.sock"
    assert client_settings("", None, None, str(env_file), {}).api_key == "from-file"
    assert client_settings("given", None, None, str(env_file), {}).api_key == "given"


def test_no_endpoint_means_this_users_own_cove() -> None:
    assert local_endpoint({}) == f"unix://{data_dir({})}/run/cove.sock"


@pytest.mark.parametrize(
    "endpoint",
    [
        "localhost:7717",
        "ftp://x",
        "http://",
        "http://x:port",
        "http://x:99999",
        "http://[::1",
        "http://x?y",
        "unix://host/x",
        "unix:x",
        "/run/cove.sock",
        5,
        "unix:///" + "x" * 107,
    ],
)
def test_an_endpoint_that_is_none_is_refused_with_the_forms_there_are(endpoint: Any) -> None:
    with pytest.raises(cove.InvalidSetting, match=r"endpoint.*(unix:///PATH|at most 107 bytes)"):
        cove.AgentBay(endpoint=endpoint)


def test_a_key_that_cannot_be_sent_is_refused_and_not_shown() -> None:
    with pytest.raises(cove.InvalidSetting) as caught:
        cove.AgentBay("secret\nX-Other: 1", endpoint="http://127.0.0.1:9")
    assert "secret" not in str(caught.value)


def test_an_env_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(cove.InvalidSetting, match="nowhere"):
        cove.AgentBay(env_file=str(tmp_path / "nowhere"))


def test_config_takes_the_official_names() -> None:
    config = cove.Config(endpoint="http://x", timeout_ms=1500, region_id="cn-hangzhou")
    assert client_settings("", None, config, None, {}).timeout == 1.5
    with pytest.raises(cove.InvalidInput, match="timeout_ms"):
        cove.Config(timeout_ms=0)


def test_a_client_shows_its_endpoint_and_not_its_key() -> None:
    assert repr(cove.AgentBay("secret", endpoint="http://127.0.0.1:9")) == "AgentBay(endpoint='http://127.0.0.1:9')"


def test_without_an_endpoint_the_local_cove_is_started_without_the_clients_own_settings() -> None:
    environ = {"COVE_DATA": "/srv/c", "COVE_ALLOW": "example.org", "HOME": "/home/me"}
    local = client_settings("", None, None, None, environ).local
    assert local is not None
    assert (local.data, local.socket, local.variables) == ("/srv/c", "/srv/c/run/cove.sock", environ)
    assert client_settings("", "unix:///srv/c/run/cove.sock", None, None, environ).local is None


def test_a_key_without_an_endpoint_is_warned_of_and_neither_shown_nor_passed_on() -> None:
    with pytest.warns(UserWarning, match="an API key without an endpoint: using the local Cove at unix:///srv/c"):
        settings = client_settings("", None, None, None, {"COVE_DATA": "/srv/c", "COVE_API_KEY": "of-a-cloud"})
    assert settings.api_key == ""
    assert settings.local is not None
    assert settings.local.variables == {"COVE_DATA": "/srv/c"}
