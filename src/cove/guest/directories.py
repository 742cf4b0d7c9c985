"""Directories and their entries: made, described, listed, moved and deleted."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from cove.core.results import DirectoryEntry, DirectoryListing, FileInfo, PathDone
from cove.guest.failures import failed, failed_by
from cove.guest.places import Place, readable
from cove.guest.trees import remove_tree

MOST_ENTRIES = 20_000


@contextmanager
def naming(place: Place) -> Iterator[None]:
    """Turn errors of the operating system into failures that name the path as its caller did."""
    try:
        yield
    except OSError as error:
        raise failed_by(error, place.shown) from error


def checked(place: Place) -> Place:
    """Give the place back if it is a directory that can be read; raises ToolFailed."""
    with naming(place), os.scandir(place.real):
        return place


def create(place: Place) -> PathDone:
    """Make a directory and its parents."""
    with naming(place):
        os.makedirs(place.real, exist_ok=True)
    return PathDone(path=place.shown)


def describe(place: Place) -> FileInfo:
    """What `stat` knows; a link that leads nowhere is described itself."""
    with naming(place):
        own = os.lstat(place.real)
    try:
        info = os.stat(place.real)
    except OSError:
        info = own
    return FileInfo(
        path=place.shown,
        name=os.path.basename(place.shown.rstrip("/")) or "/",
        size=info.st_size,
        is_directory=stat.S_ISDIR(info.st_mode),
        is_file=stat.S_ISREG(info.st_mode),
        is_symlink=stat.S_ISLNK(own.st_mode),
        permissions=f"{stat.S_IMODE(info.st_mode):03o}",
        owner=info.st_uid,
        group=info.st_gid,
        created=info.st_ctime,
        modified=info.st_mtime,
        accessed=info.st_atime,
    )


def listing(place: Place) -> DirectoryListing:
    """The entries by name. Links count as what they lead to."""
    entries: list[DirectoryEntry] = []
    with naming(place), os.scandir(place.real) as found:
        for entry in found:
            if len(entries) == MOST_ENTRIES:
                return _listing(place, entries, truncated=True)
            entries.append(_entry(entry))
    return _listing(place, entries, truncated=False)


def _listing(place: Place, entries: list[DirectoryEntry], *, truncated: bool) -> DirectoryListing:
    entries.sort(key=lambda entry: entry.name)
    return DirectoryListing(path=place.shown, entries=entries, truncated=truncated)


def _entry(entry: os.DirEntry[str]) -> DirectoryEntry:
    try:
        info = entry.stat()
    except OSError:  # a link that leads nowhere, or an entry gone in between
        return DirectoryEntry(name=readable(entry.name), is_directory=False, is_file=False, size=0)
    is_directory = stat.S_ISDIR(info.st_mode)
    return DirectoryEntry(
        name=readable(entry.name),
        is_directory=is_directory,
        is_file=stat.S_ISREG(info.st_mode),
        size=0 if is_directory else info.st_size,
    )


def move(source: Place, destination: Place) -> PathDone:
    """Rename, or copy and delete across file systems; raises ToolFailed AlreadyExists rather than replace anything."""
    with naming(source):
        os.lstat(source.real)
    if os.path.lexists(destination.real):
        raise failed("AlreadyExists", f"{destination.shown!r} exists already; delete it first, or choose another name")
    with naming(destination):
        try:
            os.rename(source.real, destination.real)
        except OSError as error:
            # A directory of the image's own layer cannot be renamed in an overlay, only copied.
            if error.errno != errno.EXDEV:
                raise
            _copy_and_delete(source, destination)
    return PathDone(path=destination.shown)


def _copy_and_delete(source: Place, destination: Place) -> None:
    import shutil  # named in the tool's `imports`

    if os.path.isdir(source.real) and not os.path.islink(source.real):
        try:
            shutil.copytree(source.real, destination.real, symlinks=True)
        except (shutil.Error, RecursionError) as error:
            remove_tree(destination.real)
            raise failed(
                "OperationFailed", f"{source.shown!r} could not be copied whole: {str(error)[:200]}"
            ) from error
        remove_tree(source.real)
    else:
        shutil.copy2(source.real, destination.real, follow_symlinks=False)
        os.unlink(source.real)


def delete(place: Place) -> PathDone:
    """Delete a file, a link, or a directory with all that is in it."""
    with naming(place):
        if stat.S_ISDIR(os.lstat(place.real).st_mode):
            remove_tree(place.real)
        else:
            os.unlink(place.real)
    return PathDone(path=place.shown)
