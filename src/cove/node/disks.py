"""A sandbox's disk: an ext4 image of its own, as a detached mount.

An image file rather than a directory, since it caps what a sandbox writes in the kernel, goes away by one unlink
whatever tree was made in it, and never shows in the host's mount table: when the last process of the sandbox ends, the
mount goes, and the loop device with it.
"""

import fcntl
import os
import struct
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from cove.node.syscalls import MOUNT_ATTR_NODEV, new_mount

LAYERS = ("root", "usr", "dpkg")
"""The overlays of a sandbox; each has an `upper` and a `work` directory on the disk."""
_LOOP_GET_FREE, _LOOP_CONFIGURE = 0x4C82, 0x4C0A
_AUTOCLEAR = 4
_TRIES = 64
_EXT4_SHUTDOWN, _WITHOUT_FLUSH = 0x8004587D, 2  # EXT4_IOC_SHUTDOWN and EXT4_GOING_FLAGS_NOLOGFLUSH of <linux/ext4.h>


def make_template(path: Path, size: int) -> None:
    """Format an empty, sparse image of `size` bytes with the layers' directories; complete or not there at all."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        tree, image = Path(scratch, "tree"), Path(scratch, "image")
        for layer in LAYERS:
            (tree / layer / "upper").mkdir(parents=True)
            (tree / layer / "work").mkdir()
        image.touch()
        os.truncate(image, size)
        _format(image, tree)
        image.rename(path)


def _format(image: Path, tree: Path) -> None:
    # without what a disk needs to grow: zeros of 4 MB, which every sandbox would copy and have flushed
    options = [
        "-q",
        "-F",
        "-m",
        "0",
        "-E",
        "root_owner=0:0,lazy_itable_init=1,lazy_journal_init=1",
        "-O",
        "^has_journal,^resize_inode",
    ]
    command = ["mkfs.ext4", *options, "-d", str(tree), str(image)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"}
    )
    if done.returncode:
        raise OSError(f"mkfs.ext4 failed: {done.stderr.strip()}")


def copy_sparse(source: Path, target: Path) -> None:
    """Copy only what the file holds, hole for hole."""
    with source.open("rb") as reader, target.open("xb") as writer:
        size, offset = os.fstat(reader.fileno()).st_size, 0
        os.truncate(writer.fileno(), size)
        while (offset := _next_data(reader.fileno(), offset, size)) < size:
            end = os.lseek(reader.fileno(), offset, os.SEEK_HOLE)
            _copy_range(reader.fileno(), writer.fileno(), offset, end)
            offset = end


def _next_data(fd: int, offset: int, size: int) -> int:
    try:
        return os.lseek(fd, offset, os.SEEK_DATA)
    except OSError:  # ENXIO: nothing but a hole from here on
        return size


def _copy_range(source: int, target: int, offset: int, end: int) -> None:
    os.lseek(target, offset, os.SEEK_SET)
    while offset < end:
        offset += os.sendfile(target, source, offset, end - offset)


def mount_disk(image: Path) -> int:
    """The image as a detached mount; its descriptor is all that keeps it."""
    loop_fd, device = _attach_loop(image)
    try:
        return _mount(device)
    finally:
        os.close(loop_fd)


def give_up_disk(image: Path) -> None:
    """Let a mounted disk end without what waits to be written to it: a gigabyte of that takes seconds, for nothing.

    Whoever still uses it is told of errors. An image that is not mounted is left as it is.
    """
    for known in Path("/sys/block").glob("loop*/loop/backing_file"):
        with suppress(OSError):  # gone meanwhile, or not this kernel's: then it is flushed
            if _is_behind(known, image):
                _shut_down_if_still(known, image)


def _is_behind(known: Path, image: Path) -> bool:
    return known.read_text().rstrip("\n") == str(image)


def _shut_down_if_still(known: Path, image: Path) -> None:
    """A device that its last user lets go of may be another sandbox's the next moment, but not while it is open."""
    device = f"/dev/{known.parts[3]}"
    opened = os.open(device, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _is_behind(known, image):
            _shut_down(device)
    finally:
        os.close(opened)


def _shut_down(device: str) -> None:
    mount_fd = _mount(device)  # what is mounted already, once more: a sandbox's own mount is in no reach of ours
    try:
        root = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=mount_fd)
        try:
            fcntl.ioctl(root, _EXT4_SHUTDOWN, struct.pack("I", _WITHOUT_FLUSH))
        finally:
            os.close(root)
    finally:
        os.close(mount_fd)


def _mount(device: str) -> int:
    # no barriers: a sandbox does not outlive a crash of the machine, so ordering on disk buys it nothing
    # no inode tables to zero: what was never written in an image file reads as zeros
    return new_mount("ext4", {"source": device}, ("nobarrier", "discard", "noinit_itable"), MOUNT_ATTR_NODEV)


def _attach_loop(image: Path) -> tuple[int, str]:
    control = os.open("/dev/loop-control", os.O_RDWR | os.O_CLOEXEC)
    backing = os.open(image, os.O_RDWR | os.O_CLOEXEC)
    try:
        for number in range(_TRIES):  # another program may take the free device first, or hold it for a moment
            time.sleep(number / 1000)
            device = f"/dev/loop{fcntl.ioctl(control, _LOOP_GET_FREE)}"
            try:
                return _configured(device, backing), device
            except OSError as error:
                failure = error
    finally:
        os.close(control)
        os.close(backing)
    raise OSError(f"no free loop device after {_TRIES} tries: {failure}")


def _configured(device: str, backing: int) -> int:
    loop_fd = os.open(device, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.ioctl(loop_fd, _LOOP_CONFIGURE, _loop_config(backing))
    except OSError:
        os.close(loop_fd)
        raise
    return loop_fd


def _loop_config(backing: int) -> bytearray:
    """struct loop_config of <linux/loop.h>: 304 bytes, of which we set the descriptor and the flags."""
    config = bytearray(304)
    struct.pack_into("I", config, 0, backing)
    struct.pack_into("I", config, 8 + 52, _AUTOCLEAR)
    return config
