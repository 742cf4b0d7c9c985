"""The machine an image is made from: its root directory, its environment, and who runs us there."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec


class Host(msgspec.Struct, frozen=True):
    """Where to read. Tests give a root of their own; nothing outside `root` is ever read."""

    root: Path
    environ: Mapping[str, str]

    @classmethod
    def here(cls, root: Path = Path("/")) -> "Host":
        """This machine as the present process sees it: the only place of this package that reads the environment."""
        return cls(root, dict(os.environ))

    def path(self, inside: str) -> Path:
        """Where the absolute path `inside` lies below this host's root."""
        return self.root / inside.lstrip("/")

    def home(self) -> str:
        """The home directory of whoever runs us, whose package-manager configuration counts; it is never shown."""
        return self.environ.get("HOME", "/root")

    def text(self, inside: str) -> str:
        """A file's text, or "" where there is none to read."""
        try:
            return self.path(inside).read_text(errors="surrogateescape")
        except OSError:
            return ""
