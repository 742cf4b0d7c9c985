"""A sandbox's disk: an image of its own that is full when it is full, and leaves no loop device."""

import errno
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.waiting import until_none
from tests.world import descriptors, loops_below

from cove.core.limits import MIB
from cove.node.disks import LAYERS, copy_sparse, give_up_disk, make_template, mount_disk

SIZE = 64 * MIB
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    make_template(tmp_path / "disks" / "template.img", SIZE)
    return tmp_path / "disks" / "template.img"


@contextmanager
def mounted(image: Path) -> Iterator[int]:
    """The disk as a directory descriptor."""
    mount = mount_disk(image)
    disk = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=mount)
    os.close(mount)
    try:
        yield disk
    finally:
        os.close(disk)


def write(disk: int, name: str, content: bytes) -> None:
    with open(os.open(name, os.O_CREAT | os.O_WRONLY, dir_fd=disk), "wb") as file:
        file.write(content)


def until_detached(image: Path) -> None:
    until_none(lambda: loops_below(image))


def test_template_takes_the_room_of_what_is_in_it(image: Path) -> None:
    assert image.stat().st_size == SIZE
    assert image.stat().st_blocks * 512 < SIZE / 8
    assert [path.name for path in image.parent.iterdir()] == [image.name]


def test_template_is_made_once(image: Path) -> None:
    before = image.stat()
    make_template(image, SIZE)
    assert (image.stat().st_ino, image.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_template_that_cannot_be_made_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"mkfs\.ext4 failed: "):
        make_template(tmp_path / "small.img", 4096)
    assert list(tmp_path.iterdir()) == []


def test_disk_that_is_given_up_is_not_flushed_and_takes_nothing_more(image: Path, tmp_path: Path) -> None:
    """Whoever calls sync(2) on the machine flushes every disk; nobody does so at each of ten moments."""
    grown = (give_up_one(image, tmp_path / f"{number}.img") for number in range(10))
    assert any(size < MIB for size in grown), "what waited to be written was not"


def give_up_one(image: Path, mine: Path) -> int:
    """By how many bytes a copy of the image grew, of 8 MiB that were written to it before it was given up."""
    kept = mine.with_suffix(".kept")
    copy_sparse(image, mine)
    copy_sparse(image, kept)
    size = mine.stat().st_blocks
    with mounted(mine) as disk, mounted(kept) as other:
        write(disk, "file", b"x" * 8 * MIB)
        give_up_disk(mine)
        with pytest.raises(OSError, match=r"Errno 5"):
            write(disk, "other", b"x")
        write(other, "file", b"x")
    for path in (mine, kept):
        until_detached(path)
    give_up_disk(mine)
    return (mine.stat().st_blocks - size) * 512


def test_disk_that_takes_the_device_of_one_given_up_is_left_alone(image: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.img", tmp_path / "second.img"
    for path in (first, second):
        copy_sparse(image, path)
    over = threading.Event()
    with ThreadPoolExecutor(2) as givers:
        giving = [givers.submit(give_up_until, over, first) for _ in range(2)]
        try:
            for number in range(20):
                with mounted(first):
                    pass
                with mounted(second) as disk:
                    for name in ("before", "after"):
                        write(disk, f"{name}-{number}", b"x")
                        os.fsync(disk)
        finally:
            over.set()
    for each in giving:
        each.result()
    until_detached(tmp_path)


def give_up_until(over: threading.Event, image: Path) -> None:
    while not over.is_set():
        give_up_disk(image)


def test_template_has_a_place_for_every_layer(image: Path) -> None:
    with mounted(image) as disk:
        assert set(os.listdir(disk)) - {"lost+found"} == set(LAYERS)
        for layer in LAYERS:
            layer_fd = os.open(layer, os.O_RDONLY, dir_fd=disk)
            assert set(os.listdir(layer_fd)) == {"upper", "work"}
            os.close(layer_fd)
    until_detached(image)


def test_copy_has_the_same_bytes_and_the_same_holes(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    with source.open("wb") as file:
        for offset, text in ((0, b"begin"), (5 * MIB + 3, b"middle"), (20 * MIB, b"end")):
            file.seek(offset)
            file.write(text)
        file.truncate(30 * MIB)
    copy_sparse(source, target)
    assert target.read_bytes() == source.read_bytes()
    assert target.stat().st_blocks * 512 < source.stat().st_blocks * 512 + MIB


@pytest.mark.parametrize("content", [b"", b"all of it"])
def test_small_file_is_copied(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "source").write_bytes(content)
    copy_sparse(tmp_path / "source", tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == content


def test_copy_never_replaces_a_file(tmp_path: Path) -> None:
    (tmp_path / "source").write_text("new")
    (tmp_path / "target").write_text("precious")
    with pytest.raises(FileExistsError):
        copy_sparse(tmp_path / "source", tmp_path / "target")
    assert (tmp_path / "target").read_text() == "precious"


def test_full_disk_says_so_at_its_size(image: Path) -> None:
    with mounted(image) as disk:
        file = os.open("fill", os.O_CREAT | os.O_WRONLY, dir_fd=disk)
        written = 0
        with pytest.raises(OSError, match="No space left") as failure:  # noqa: PT012 - some write will
            while written <= SIZE:
                written += os.write(file, bytes(MIB))
        os.close(file)
    assert failure.value.errno == errno.ENOSPC
    assert SIZE / 2 < written < SIZE
    until_detached(image)


def test_what_was_written_is_there_at_the_next_mount(image: Path) -> None:
    with mounted(image) as disk:
        os.close(os.open("kept", os.O_CREAT | os.O_WRONLY, dir_fd=disk))
    until_detached(image)
    with mounted(image) as disk:
        assert "kept" in os.listdir(disk)
    until_detached(image)


def test_mounted_disk_shows_in_no_mount_table(image: Path) -> None:
    with mounted(image) as disk:
        assert loops_below(image) == [str(image)]
        device = os.fstat(disk).st_dev
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    assert f"{os.major(device)}:{os.minor(device)}" not in [mount.split()[2] for mount in mounts]
    until_detached(image)


def test_file_that_is_no_disk_leaves_no_loop_device(tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.img"
    garbage.write_bytes(b"\xff" * MIB)
    before = descriptors(os.getpid())
    with pytest.raises(OSError, match="mount ext4"):
        mount_disk(garbage)
    until_detached(garbage)
    assert not descriptors(os.getpid()) - before


def test_missing_image_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"missing\.img"):
        mount_disk(tmp_path / "missing.img")
