"""The guest's own Python: complete, the same for everybody, and at home on any root file system."""

import os
import shutil
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import cove
from cove.core.frames import FrameReader, frame
from cove.node.runtime import Runtime, build_runtime

_INSIDE = "/run/cove/rt"
_ENTER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.set_inheritable(3, True)
os.chroot(sys.argv[2])
os.chdir("/")
os.execv(sys.argv[3], sys.argv[3:])
"""


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Runtime:
    return build_runtime(tmp_path_factory.mktemp("runtime"))


def test_a_second_builder_finds_the_first_ones_directory(runtime: Runtime) -> None:
    before = runtime.path.stat()
    assert build_runtime(runtime.path.parent) == runtime
    assert runtime.path.stat().st_ino == before.st_ino


def test_builders_at_once_end_with_one_directory(tmp_path: Path) -> None:
    found: list[Runtime] = []
    threads = [threading.Thread(target=lambda: found.append(build_runtime(tmp_path))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(250)
    assert len(found) == 2
    assert found[0] == found[1]
    assert [path.name for path in tmp_path.iterdir()] == [found[0].path.name]


def test_everything_is_for_all_to_read_and_nothing_to_write(runtime: Runtime) -> None:
    for directory, names, files in os.walk(runtime.path):
        for name in [*names, *files]:
            path = Path(directory, name)
            mode = stat.S_IMODE(path.lstat().st_mode)
            assert not path.is_symlink()
            assert mode == (0o755 if path.is_dir() or ".so" in name or name == "python3" else 0o644)


def test_no_path_of_the_host_is_in_our_code(runtime: Runtime) -> None:
    package = str(Path(cove.__file__).parent).encode()  # that of the checkout may be a word of somebody else's, as /app
    for path in runtime.path.rglob("*"):
        if path.is_file() and ".so" not in path.name and path.name != "python3":
            assert package not in path.read_bytes(), path
            assert str(runtime.path).encode() not in path.read_bytes(), path


def test_the_guest_has_what_it_imports_and_no_tests(runtime: Runtime) -> None:
    script = (
        "import sys; sys.path.append(sys.argv[1] + '/site'); import cove.guest.serve, difflib, shutil, fnmatch, logging"
    )
    argv = runtime.argv(str(runtime.path))[:-1]
    env = {"PATH": "/usr/bin:/bin"}
    subprocess.run([*argv, "-c", script, str(runtime.path)], check=True, env=env)
    failed = subprocess.run([*argv, "-c", "import test"], env=env, capture_output=True, check=False)
    assert b"No module named 'test'" in failed.stderr


def _busybox_root(root: Path, runtime: Runtime) -> None:
    for directory in ("bin", "tmp", "dev", "home", "proc", _INSIDE.lstrip("/")):
        (root / directory).mkdir(parents=True)
    shutil.copy("/bin/busybox", root / "bin/busybox")
    for name in ("sh", "echo", "cat"):
        (root / f"bin/{name}").symlink_to("busybox")
    (root / "dev/null").touch()
    shutil.copytree(runtime.path, root / _INSIDE.lstrip("/"), dirs_exist_ok=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="chroot needs root")
def test_it_serves_on_a_root_file_system_without_python_or_libc(runtime: Runtime, tmp_path: Path) -> None:
    root, path = tmp_path / "root", str(tmp_path / "g")
    _busybox_root(root, runtime)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        guest = ["--output-bytes", "4096", "--home", "/home", "--uid", "1000", "--gid", "1000", "--state", "/env.json"]
        fd = listener.fileno()
        argv = [sys.executable, "-c", _ENTER, str(fd), str(root), *runtime.argv(_INSIDE), *guest]
        unshare = ["unshare", "-p", "-f", "--kill-child"]
        with subprocess.Popen([*unshare, *argv], pass_fds=[fd]) as process:
            try:
                script = "test -e /usr || echo bare; cat > f; cat f"
                arguments = {"command": script, "stdin": "ü", "user": "root"}
                assert _asked(path, "shell", arguments) == {
                    "stdout": "bare\nü", "stderr": "", "exit_code": 0, "truncated": False,
                }  # fmt: skip
                assert _asked(path, "read_file", {"path": "/home/f"})["code"] == "NoSuchFile"
            finally:
                process.kill()


def _asked(path: str, name: str, arguments: dict[str, object]) -> dict[str, object]:
    reader = FrameReader()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(120)
        connection.connect(path)
        params = {"name": name, "arguments": arguments}
        connection.sendall(frame({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}))
        while data := connection.recv(65536):
            if messages := reader.feed(data):
                content: dict[str, object] = messages[0]["result"]["structuredContent"]
                return content
    raise EOFError
