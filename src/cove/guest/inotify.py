"""inotify(7), which Python has not: it tells that something below a place has changed. What, a snapshot shows."""

import ctypes
import errno
import os
import struct

MOST_DIRECTORIES = 16_384
_CREATE, _MOVED_TO, _IS_DIRECTORY, _IGNORED = 0x100, 0x80, 0x40000000, 0x8000
_OVERFLOW, _MOVE_SELF = 0x4000, 0x800
_WATCHED = 0x2 | 0x4 | 0x8 | 0x40 | _MOVED_TO | _CREATE | 0x200 | 0x400 | _MOVE_SELF
"""MODIFY, ATTRIB, CLOSE_WRITE, MOVED_FROM, MOVED_TO, CREATE, DELETE, DELETE_SELF, MOVE_SELF."""
_NOT_FOLLOWED = 0x2000000
_EVENT = struct.Struct("iIII")
_READ = 64 * 1024
_libc = ctypes.CDLL(None, use_errno=True)


class Tree:
    """Everything below `top`, itself included; links are not followed."""

    def __init__(self, top: str) -> None:
        """Raises OSError where there is no inotify, or no more of it."""
        self._top = os.fsencode(top)
        self._names: dict[int, bytes] = {}
        self.is_whole = False
        """Whether all of it is watched: not where there is no `top`, or more than may be watched."""
        self.fd = _checked(_libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK))
        self.watch_all()

    def watch_all(self) -> None:
        """Watch what is there now; `is_whole` says whether that went well."""
        self.is_whole = self._watch_below(self._top)

    def take(self) -> bool:
        """Whether anything has changed; new directories are watched from now on."""
        has_changed = False
        while events := self._read():
            has_changed = True
            for number, mask, name in events:
                self._heed(number, mask, name)
        return has_changed

    def _heed(self, number: int, mask: int, name: bytes) -> None:
        if mask & _OVERFLOW:
            self.watch_all()
        elif mask & (_IGNORED | _MOVE_SELF):
            self.is_whole = self.is_whole and self._names.get(number) != self._top
            if mask & _IGNORED:
                self._names.pop(number, None)
        elif mask & _IS_DIRECTORY and mask & (_CREATE | _MOVED_TO) and number in self._names:
            self.is_whole = self._watch_below(os.path.join(self._names[number], name)) and self.is_whole

    def _read(self) -> list[tuple[int, int, bytes]]:
        try:
            data = os.read(self.fd, _READ)
        except BlockingIOError:
            return []
        events, at = [], 0
        while at < len(data):
            number, mask, _, length = _EVENT.unpack_from(data, at)
            at += _EVENT.size + length
            events.append((number, mask, data[at - length : at].rstrip(b"\0")))
        return events

    def _watch_below(self, top: bytes) -> bool:
        """False where something is left unwatched that should not be."""
        pending, is_whole = [top], True
        while pending:
            path = pending.pop()
            try:
                self._watch(path)
                with os.scandir(path) as entries:
                    pending += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
            except NotADirectoryError:
                continue
            except OSError as error:
                # what went away meanwhile, or may not be looked into, no snapshot sees either
                is_whole = is_whole and path != self._top and error.errno in (errno.ENOENT, errno.EACCES, errno.ELOOP)
        return is_whole

    def _watch(self, path: bytes) -> None:
        if len(self._names) >= MOST_DIRECTORIES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        number = _checked(_libc.inotify_add_watch(self.fd, path, _WATCHED | _NOT_FOLLOWED))
        self._names[number] = path


def _checked(number: int) -> int:
    if number < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return number
