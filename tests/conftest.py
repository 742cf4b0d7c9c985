"""What every test has: anyio on asyncio, and a CI run that fails where a test was skipped without leave."""

import fnmatch
import os
import signal
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

ALLOWED_SKIPS = Path(__file__).with_name("allowed_skips.toml")
LONG = ("links", "recovery", "rootless", "isolation", "doors", "contract", "tls", "local", "app")
"""Directories with files that take minutes: begun last, one of them would keep a single processor busy at the end."""


@pytest.fixture(scope="session", autouse=True)
def _cache() -> Iterator[None]:
    """Every server of this run takes the rendered image and the runtime from one place: making them takes seconds."""
    with tempfile.TemporaryDirectory(prefix="cove-cache-") as path, pytest.MonkeyPatch.context() as patch:
        patch.setenv("COVE_CACHE", path)
        yield


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio, as the server does."""
    return "asyncio"


def _allowed() -> list[str]:
    return [skip["test"] for skip in tomllib.loads(ALLOWED_SKIPS.read_text()).get("skip", [])]


def _unallowed(skipped: dict[str, str]) -> Iterator[str]:
    patterns = _allowed()
    for test, reason in sorted(skipped.items()):
        if not any(fnmatch.fnmatchcase(test, pattern) for pattern in patterns):
            yield f"{test}: {reason}"


def _reason(report: pytest.CollectReport | pytest.TestReport) -> str:
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)


class _SkipWatch:
    """Remembers what was skipped, and in CI makes a skip that nobody allowed a failure."""

    def __init__(self) -> None:
        self.skipped: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self.skipped[report.nodeid] = _reason(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self.skipped[report.nodeid] = _reason(report)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if os.environ.get("CI") and list(_unallowed(self.skipped)) and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if os.environ.get("CI"):
            for line in _unallowed(self.skipped):
                terminalreporter.write_line(f"SKIPPED WITHOUT LEAVE (tests/{ALLOWED_SKIPS.name}) {line}", red=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those of `LONG` first, in that order; else as they stand."""
    here = Path(__file__).parent
    places = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path.relative_to(here).parts[0], len(LONG)))


def pytest_configure(config: pytest.Config) -> None:
    hypothesis.settings.load_profile("ci")  # the same examples on every machine, however long one takes
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell leaves it to what it starts in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.pluginmanager.register(_SkipWatch(), "skip-watch")
