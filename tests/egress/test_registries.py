"""Packages come from the registries of this machine, as anybody gets them: `apt-get install`, plain `pip install`."""

import shutil
from typing import Any

import pytest

import cove

INSTALL_MS = 600_000
"""Registries may be slow, and the clients try again what was cut short."""
APT = "apt-get -qq -o Acquire::Retries=5"
pytestmark = [pytest.mark.isolation, pytest.mark.timeout(900)]


def run(session: cove.Session, script: str, user: str = "wuying") -> str:
    return str(session.command.execute_command(script, timeout_ms=INSTALL_MS, user=user).unwrap())


@pytest.fixture(scope="session")
def reachable(session: cove.Session, registries: tuple[str, ...]) -> cove.Session:
    assert registries, "this machine's package managers name no registry"
    return session


def test_apt_get_installs_a_package(reachable: cove.Session) -> None:
    run(reachable, f"{APT} update && DEBIAN_FRONTEND=noninteractive {APT} install -y tree", user="root")
    assert run(reachable, "tree --version").startswith("tree v")


def test_pip_installs_a_package_for_the_user(reachable: cove.Session) -> None:
    run(reachable, "python3 -m pip install -q --retries 10 iniconfig")
    assert run(reachable, "python3 -c 'import iniconfig; print(iniconfig.__file__)'").startswith("/home/wuying/")


def test_npm_sees_a_package(reachable: cove.Session) -> None:
    if shutil.which("npm") is None:
        return  # a machine without npm names no registry of it
    assert run(reachable, "npm view --fetch-retries=5 left-pad version").strip()


def test_no_client_s_configuration_carries_a_secret_of_this_machine(session: cove.Session, probe: Any) -> None:
    found = run(
        session, "cat /etc/pip.conf /etc/npmrc /etc/apt/auth.conf /root/.netrc ~/.npmrc 2>/dev/null || true", "root"
    )
    assert "_authToken" not in found
    assert "://" not in found or "@" not in found.partition("://")[2].partition("/")[0]
