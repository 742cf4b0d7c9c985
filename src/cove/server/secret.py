"""The server's own secret, from which the tokens of links and sessions are made; without the file, all are void."""

import os
import secrets
from pathlib import Path

from cove.core.errors import InvalidSetting

LENGTH = 32


def read_secret(file: Path) -> bytes:
    """The secret in `file`, made at the first start. Whoever deletes the file revokes every token."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return _make(file)
    with open(descriptor, "rb") as opened:
        found = opened.read(LENGTH + 1)
    if len(found) != LENGTH:
        remedy = f"it must hold {LENGTH} bytes; restore it, or delete it: then every link is void"
        raise InvalidSetting(name="secret", value=str(file), remedy=remedy)
    return found


def _make(file: Path) -> bytes:
    made, secret = file.with_suffix(".new"), secrets.token_bytes(LENGTH)
    made.unlink(missing_ok=True)
    descriptor = os.open(made, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as opened:
        opened.write(secret)
        opened.flush()
        os.fsync(descriptor)
    made.rename(file)
    return secret
