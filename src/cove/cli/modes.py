"""What a program has switched on at the terminal that shows it, to switch it off where it could not itself."""

import re

_SWITCH = re.compile(rb"\x1b\[\?([0-9;]{1,32})([hl])")
_LONGEST = 40
_CURSOR, _KEYPAD = b"25", b"1"
_KNOWN = (b"1049", b"1047", b"47", b"1000", b"1002", b"1003", b"1004", b"1006", b"1015", b"2004", _KEYPAD)
"""The second screen, the mouse, the focus, pastes in brackets, and the keypad: those that hurt a shell."""


class Modes:
    """Watches the bytes that go to a terminal.

    >>> modes = Modes()
    >>> modes.watch(b"\\x1b[?1049h\\x1b[?25l\\x1b[?2004h\\x1b[?2004l")
    >>> modes.undo()
    b'\\x1b[?1049l\\x1b[?25h\\x1b[0m'
    """

    def __init__(self) -> None:
        self._tail = b""
        self._on: dict[bytes, bool] = {}

    def watch(self, data: bytes) -> None:
        """Take note of what these bytes switch; one may be cut in two."""
        seen = self._tail + data
        for numbers, how in _SWITCH.findall(seen):
            for mode in {*_KNOWN, _CURSOR}.intersection(numbers.split(b";")):
                self._on[mode] = how == b"h"
        cut = seen.rfind(b"\x1b", -_LONGEST)
        self._tail = seen[cut:] if cut >= 0 and not _SWITCH.match(seen, cut) else b""

    def undo(self) -> bytes:
        """What switches off what is on still; nothing else, since that would move the cursor for no reason."""
        off = [b"\x1b[?" + mode + b"l" for mode in _KNOWN if self._on.get(mode)]
        cursor = [b"\x1b[?25h"] if self._on.get(_CURSOR) is False else []
        return b"".join([*off, *cursor, b"\x1b[0m"])
