"""A Cove that speaks TLS, and certificates of operators' own."""

import datetime
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.serving import Server

from cove.app.certificates import issue, make_authority, make_key
from cove.app.local import Started

KEY = "cove-test-key-0123456789"


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class Own:
    """An operator's authority, and the files that `--tls-cert` and `--tls-key` name."""

    def __init__(self, directory: Path) -> None:
        self.authority = make_authority(["cove.example.org"], now())
        self.ca, self.certificate, self.key = (directory / name for name in ("own-ca.pem", "own.pem", "own.key"))
        self.ca.write_text(self.authority.certificate)
        self.write("cove.example.org", "localhost", "127.0.0.1")

    def write(self, *names: str, when: datetime.datetime | None = None) -> None:
        """A new certificate, as a renewal writes it: the key, then the certificate."""
        made = issue(self.authority, make_key(), names, when or now())
        self.key.write_text(made.key)
        os.chmod(self.key, 0o600)
        self.certificate.write_text(made.certificate)


@pytest.fixture
def own(tmp_path: Path) -> Own:
    return Own(tmp_path)


@contextmanager
def secured(**environ: str) -> Iterator[tuple[Server, Started]]:
    """A Cove with simulated sandboxes, and what it told at its start."""
    server = Server("tls", COVE_API_KEY=KEY, COVE_LINK_PORT="0", **environ)
    try:
        yield server, server.up_simulated()
    finally:
        server.close()


@pytest.fixture(scope="module")
def cove() -> Iterator[tuple[Server, Started]]:
    with secured(COVE_TLS="1") as running:
        yield running


@pytest.fixture
def short_path() -> Iterator[Path]:
    root = Path(tempfile.mkdtemp(dir="/tmp", prefix="cove-tls-"))
    yield root
    shutil.rmtree(root)
