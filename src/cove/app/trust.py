"""What clients are told of a Cove's own authority: two files in its data directory, which hold no secret."""

import os
from pathlib import Path

import msgspec

from cove.app.data import DataDir

_PUBLIC_ROOTS = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where systems keep the authorities that everybody trusts."""


class Trust(msgspec.Struct, frozen=True):
    """Files for clients: `authority` alone, and `bundle`, with it those that the machine trusts anyhow.

    `is_new` where clients may hold an older authority, which vouches for nothing here any more.
    """

    authority: str
    bundle: str
    is_new: bool = False


def trust_files(directory: Path) -> tuple[Path, Path]:
    """The authority alone, and the bundle."""
    return directory / "ca.pem", directory / "bundle.pem"


def publish(directory: Path, authority: str, *, is_new: bool) -> Trust:
    """Write what clients need."""
    alone, bundle = trust_files(directory)
    roots = next((each for each in map(Path, _PUBLIC_ROOTS) if each.is_file()), None)
    write_whole(alone, authority, 0o644)
    write_whole(bundle, f"{roots.read_text().rstrip() if roots else ''}\n{authority}".lstrip(), 0o644)
    return Trust(str(alone), str(bundle), is_new)


def published(data: DataDir) -> Trust | None:
    """What the Cove of this directory tells its clients."""
    alone, bundle = trust_files(data.tls)
    return Trust(str(alone), str(bundle)) if alone.is_file() and bundle.is_file() else None


def write_whole(path: Path, text: str, mode: int) -> None:
    """As a whole or not at all, never for more eyes than its mode says."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with open(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, mode)
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    new.rename(path)
