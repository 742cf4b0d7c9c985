"""A session on somebody else's root file system: no Python in it, no libc, nothing but a static busybox."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.serving import served

import cove

BUSYBOX = Path("/bin/busybox")
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the namespaces driver needs root")


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    """bin/busybox, a link to it for each of its commands, and not one directory more."""
    with tempfile.TemporaryDirectory(dir="/tmp") as path:
        (Path(path) / "bin").mkdir()
        Path(path).chmod(0o755)
        shutil.copy(BUSYBOX, Path(path) / "bin/busybox")
        for name in subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True).stdout.split():
            if name != "busybox":
                (Path(path) / "bin" / name).symlink_to("busybox")
        yield Path(path)


@pytest.fixture(scope="module")
def session(root: Path) -> Iterator[cove.Session]:
    with (
        served("--image", f"tiny={root}") as server,
        server.client() as agent_bay,
        agent_bay.open(image_id="tiny") as session,
    ):
        yield session


def test_a_root_without_python_runs_commands_as_the_user(session: cove.Session) -> None:
    done = session.command.run("id -un; pwd; ls /usr/lib 2>&1; which python3 || echo no python")

    assert done.stdout.splitlines()[0:2] == ["wuying", "/home/wuying"]
    assert "no python" in done.stdout


def test_its_files_can_be_read_and_written(session: cove.Session) -> None:
    assert session.file_system.write_file("/home/wuying/note", "héllo").success
    assert session.file_system.read_file("/home/wuying/note").content == "héllo"
    assert session.command.run("cat note; ls /tmp").stdout == "hélloREADME\n"


def test_what_is_written_never_reaches_the_image(session: cove.Session, root: Path) -> None:
    session.command.run("rm /bin/tail; echo x > /bin/new; mkdir /made", user="root")

    assert sorted(path.name for path in root.iterdir()) == ["bin"]
    assert (root / "bin/tail").is_symlink()
    assert not (root / "bin/new").exists()
