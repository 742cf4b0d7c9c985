"""The data directory: one holder, known by its process id, and an instance that stays the same."""

import os
import signal
import stat
from pathlib import Path

import pytest

from cove.app.data import DataDir
from cove.core.errors import DataInUse, InvalidSetting


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    made = DataDir(tmp_path / "cove")
    made.prepare()
    return made


def test_a_second_holder_is_told_the_first_ones_process(data: DataDir) -> None:
    with data.locked(), pytest.raises(DataInUse, match=f"process {os.getpid()} already serves"), data.locked():
        pass


def test_the_holder_is_known_while_it_holds_and_not_after(data: DataDir) -> None:
    assert data.holder() is None
    with data.locked():
        assert data.holder() == os.getpid()
    assert data.holder() is None


def test_a_killed_holder_holds_no_longer(data: DataDir) -> None:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        with data.locked():
            os.write(writer, b"1")
            signal.pause()
        os._exit(0)
    os.close(writer)
    assert os.read(reader, 1) == b"1"
    os.close(reader)
    assert data.holder() == child
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with data.locked():
        assert data.holder() == os.getpid()


def test_asking_for_the_holder_does_not_keep_anybody_out(data: DataDir) -> None:
    descriptor = os.open(data.lock, os.O_RDWR | os.O_CREAT, 0o600)
    data.holder()
    with data.locked():
        assert data.holder() == os.getpid()
    os.close(descriptor)


def test_the_lock_is_not_written_through_a_link(data: DataDir, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("precious")
    data.lock.symlink_to(other)
    with pytest.raises(InvalidSetting, match="symbolic links"), data.locked():
        pass
    assert other.read_text() == "precious"


def test_an_instance_keeps_its_id(data: DataDir) -> None:
    first = data.instance()
    assert DataDir(data.root).instance() == first
    assert len(first) == 8


def test_a_damaged_instance_id_is_refused_because_sandboxes_are_found_by_it(data: DataDir) -> None:
    data.instance_file.write_text("../../etc")
    with pytest.raises(InvalidSetting, match="eight hexadecimal digits"):
        data.instance()


def test_what_is_private_is_private_also_where_it_was_not(data: DataDir) -> None:
    data.socket.parent.chmod(0o777)
    data.prepare()
    assert stat.S_IMODE(data.socket.parent.stat().st_mode) == 0o700


def test_a_directory_that_others_may_write_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(InvalidSetting, match="nobody else may write"):
        DataDir(tmp_path).prepare()


def test_a_file_in_the_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidSetting, match="choose another"):
        DataDir(tmp_path / "file" / "cove").prepare()
