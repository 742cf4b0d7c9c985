"""Trees that a sandbox made, removed and measured: in time that grows with their size alone, however deep they are.

`rm` and `du` keep the whole path in mind, and so are busy for minutes with a tree of twenty thousand levels. Nothing is
followed here: each step goes from an open directory to a name in it.
"""

import os
import secrets

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_OPEN = 512
"""Directories that may stand open while others are looked into."""
BEYOND_MEASURE = 1 << 60
"""The number of files of a tree that is deeper, with something left to look into on every level."""
_BLOCK = 512


def remove_tree(name: str) -> None:
    """Remove what is in the directory `name`, and itself if we may; raises OSError for what cannot be removed.

    Every directory in it is moved to one place before it is emptied, so that none is deep.
    """
    top = os.open(name, _FLAGS)
    place = secrets.token_hex(16)
    os.mkdir(place, dir_fd=top)
    gathered = os.open(place, _FLAGS, dir_fd=top)
    try:
        _empty(top, gathered, spared=place)
        while found := os.listdir(gathered):
            for each in found:
                _remove_gathered(each, gathered)
        os.rmdir(place, dir_fd=top)
    finally:
        os.close(gathered)
        os.close(top)
    try:
        os.rmdir(name)
    except PermissionError:  # it lies in a directory whose group we are not told: its owner will remove it
        return


def _remove_gathered(name: str, gathered: int) -> None:
    directory = os.open(name, _FLAGS, dir_fd=gathered)
    try:
        _empty(directory, gathered)
    finally:
        os.close(directory)
    os.rmdir(name, dir_fd=gathered)


def _empty(directory: int, gathered: int, *, spared: str = "") -> None:
    """Unlink the files of an open directory, and move its directories into `gathered` under new names."""
    with os.scandir(directory) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries if entry.name != spared]
    for name, is_directory in found:
        if is_directory:
            os.rename(name, secrets.token_hex(16), src_dir_fd=directory, dst_dir_fd=gathered)
        else:
            os.unlink(name, dir_fd=directory)


def measure_tree(name: str) -> tuple[int, int]:
    """The bytes and the number of files below a directory that changes meanwhile; a file with two names counts once."""
    walk = _Walk()
    try:
        walk.enter(name, None)
        while walk.open:
            walk.step()
    finally:
        walk.close()
    return walk.bytes, walk.files


class _Walk:
    """Open directories, the deepest last, each with the names in it that are still to be looked into."""

    def __init__(self) -> None:
        self.bytes = self.files = 0
        self.open: list[tuple[int, list[str]]] = []
        self._seen: set[int] = set()

    def step(self) -> None:
        """Look into the next directory. One without more names is closed before that: a chain keeps one open."""
        directory, names = self.open[-1]
        if not names:
            self.open.pop()
            os.close(directory)
            return
        name = names.pop()
        if len(self.open) > _MOST_OPEN:
            self.files = BEYOND_MEASURE
            names.clear()
            return
        if names:
            self.enter(name, directory)
        else:
            self.open.pop()
            self.enter(name, directory)
            os.close(directory)

    def enter(self, name: str, parent: int | None) -> None:
        """Count what is in a directory, and remember its directories."""
        try:
            directory = os.open(name, _FLAGS, dir_fd=parent)
        except OSError:  # it has gone meanwhile
            return
        self.open.append((directory, self._count(directory)))

    def close(self) -> None:
        """Whatever is open yet."""
        for directory, _ in self.open:
            os.close(directory)

    def _count(self, directory: int) -> list[str]:
        directories = []
        with os.scandir(directory) as entries:
            for entry in entries:
                try:
                    state = entry.stat(follow_symlinks=False)
                except OSError:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    directories.append(entry.name)
                elif state.st_nlink > 1 and self._is_known(state.st_ino):
                    continue
                self.bytes += state.st_blocks * _BLOCK
                self.files += 1
        return directories

    def _is_known(self, inode: int) -> bool:
        is_known = inode in self._seen
        self._seen.add(inode)
        return is_known
