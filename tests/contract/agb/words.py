"""What AGB's two generations say in other words: one script then serves both."""

from typing import Any

FIRST = {
    "mkdir": "create_directory",
    "write": "write_file",
    "read": "read_file",
    "edit": "edit_file",
    "info": "get_file_info",
    "list": "list_directory",
    "move": "move_file",
    "read_batch": "read_multiple_files",
    "search": "search_files",
    "watch_dir": "watch_directory",
    "execute": "execute_command",
    "run": "run_code",
}
"""The first generation's name of each method."""


class InFirstWords:
    """An object of the first generation, whose methods are called by the newest names."""

    def __init__(self, found: Any) -> None:
        self._found = found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._found, FIRST[name])


def files(session: Any) -> Any:
    """The session's file system."""
    return session.file if session.has("file") else InFirstWords(session.file_system)


def command(session: Any) -> Any:
    """What runs commands in the session."""
    return session.command if session.command.has("execute") else InFirstWords(session.command)


def code(session: Any) -> Any:
    """What runs code in the session."""
    return session.code if session.code.has("run") else InFirstWords(session.code)


def good(result: Any) -> Any:
    """The result, which tells of success and of its request."""
    assert result.success, result
    assert result.request_id, result
    return result


def refused(result: Any, *said: str) -> Any:
    """The result, which tells of a failure in these words."""
    assert not result.success, result
    for words in said:
        assert words in result.error_message, result
    return result
