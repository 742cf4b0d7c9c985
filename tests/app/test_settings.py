"""Settings: options before environment before defaults, and a sentence for each that cannot be used."""

from pathlib import Path

import pytest

from cove.app.local import default_network
from cove.app.settings import VARIABLES, Settings, settings_from
from cove.core.errors import InvalidSetting
from cove.core.network import NetworkPolicy


def test_every_setting_has_an_environment_variable() -> None:
    assert set(VARIABLES) == set(Settings.__struct_fields__)


def test_an_option_goes_before_the_environment_and_that_before_the_default() -> None:
    environ = {"COVE_PORT": "9000", "COVE_HOST": "127.0.0.2"}
    settings = settings_from({"port": 9001, "host": None}, environ)
    assert (settings.port, settings.host, settings.slots) == (9001, "127.0.0.2", 1024)


def test_an_empty_variable_is_an_absent_one() -> None:
    assert settings_from({}, {"COVE_PORT": ""}).port == settings_from({}, {}).port


def test_a_data_directory_is_made_absolute() -> None:
    assert settings_from({"data": Path("somewhere")}, {}).data == Path.cwd() / "somewhere"


def test_hosts_to_allow_are_parted_by_commas_or_spaces() -> None:
    environ = {"COVE_ALLOW": "a.example, *.b.example:8080 10.1.0.0/16"}
    assert settings_from({}, environ).allow == ("a.example", "*.b.example:8080", "10.1.0.0/16")


@pytest.mark.parametrize(
    ("environ", "policy"),
    [
        ({}, NetworkPolicy(mode="open")),
        ({"COVE_ALLOW": "a.example"}, NetworkPolicy(mode="open")),
        ({"COVE_NETWORK": "none", "COVE_ALLOW": "a.example"}, NetworkPolicy(mode="none")),
        ({"COVE_NETWORK": "rules", "COVE_ALLOW": "a.example"}, NetworkPolicy(mode="rules", allow=("a.example",))),
    ],
)
def test_new_sessions_reach_what_the_operator_says(environ: dict[str, str], policy: NetworkPolicy) -> None:
    assert default_network(settings_from({}, environ)) == policy


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "eighty"),
        ("port", 65536),
        ("port", -1),
        ("host", "no-such-host.example"),
        ("host", "127.0.0.1:80"),
        ("allow", ("https://pypi.example/simple",)),
        ("allow", ("two words",)),
        ("allow", ("a.example:80-70000",)),
        ("network", "closed"),
        ("public_url", "ftp://example"),
        ("public_url", "https://example/?query"),
        ("data", "/" + "d" * 120),
        ("data", "nul\0"),
        ("slots", 0),
        ("first_uid", 1000),
        ("first_uid", 3_999_999_999),
        ("reserve_mib", "much"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_by_its_name(name: str, value: str | int | tuple[str, ...]) -> None:
    given = {"slots": 16384, name: value} if value == 3_999_999_999 else {name: value}
    with pytest.raises(InvalidSetting) as caught:
        settings_from(given, {})
    assert str(caught.value).startswith(f"{name} = ")


@pytest.mark.parametrize("key", ["short", "with a space in it", "newline\nin the middle", "ünïcödé-key-of-length"])
def test_a_key_that_cannot_be_used_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        settings_from({}, {"COVE_API_KEY": key})
    assert key not in str(caught.value)


@pytest.mark.parametrize("entry", ["host=/", "tiny", "tiny=relative", "tiny=/no/such/root", "=/"])
def test_an_image_that_cannot_be_one_is_refused_by_name(entry: str) -> None:
    with pytest.raises(InvalidSetting, match="images"):
        settings_from({"images": (entry,)}, {})
