"""The failures of tools: their codes, and which code an error of the operating system deserves."""

import errno
import os

from cove.core.errors import ToolFailed

_BY_ERRNO = {
    errno.ENOENT: ("NoSuchFile", "no file or directory at {path!r} in the sandbox"),
    errno.ENOTDIR: ("NotADirectory", "{path!r} is not a directory, or one of its parents is not"),
    errno.EISDIR: ("NotAFile", "{path!r} is a directory, not a file"),
    errno.EEXIST: ("AlreadyExists", "{path!r} exists already"),
    errno.ENOTEMPTY: ("AlreadyExists", "the directory {path!r} exists already and is not empty"),
    errno.EACCES: ("AccessDenied", "the sandbox's user may not do this with {path!r}"),
    errno.EPERM: ("AccessDenied", "the sandbox's user may not do this with {path!r}"),
    errno.EROFS: ("AccessDenied", "{path!r} lies on a read-only file system"),
    errno.ENOSPC: (
        "NoSpace",
        "no space is left for {path!r}: delete something, or make a session with more disk_bytes",
    ),
    errno.EDQUOT: (
        "NoSpace",
        "no space is left for {path!r}: delete something, or make a session with more disk_bytes",
    ),
    errno.EFBIG: ("TooLarge", "{path!r} would be larger than the file system allows"),
    errno.ENAMETOOLONG: ("InvalidPath", "{path!r} is too long a path, or holds too long a name"),
    errno.ELOOP: ("InvalidPath", "{path!r} leads through too many symbolic links"),
    errno.EINVAL: ("InvalidPath", "{path!r} cannot be used like this"),
    errno.EAGAIN: ("TooManyProcesses", "the session has all the processes it may have; end some, or raise its limit"),
    errno.ENXIO: ("NotAFile", "{path!r} is a pipe, socket or device, not a file"),
    errno.ENOMEM: ("OutOfMemory", "the session has not enough memory for this"),
}


def failed(code: str, message: str) -> ToolFailed:
    """A failure to raise from a tool: `code` is for programs, `message` the sentence."""
    return ToolFailed(message=message, failure=code)


def failed_by(error: OSError, path: str) -> ToolFailed:
    """The failure that an operating system's error about `path` amounts to.

    >>> failed_by(FileNotFoundError(errno.ENOENT, ""), "/x").facts["failure"]
    'NoSuchFile'
    """
    code, sentence = _BY_ERRNO.get(error.errno or 0, ("OperationFailed", "{path!r}: {reason}"))
    reason = os.strerror(error.errno) if error.errno else str(error)
    return failed(code, sentence.format(path=path, reason=reason))
