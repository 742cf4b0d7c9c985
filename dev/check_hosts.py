"""Holds that no file names the machine it was written on, a registry's host, or an unknown host at all."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

# Hosts that may stand in a file: reserved for documentation and tests (RFC 2606, RFC 6761), or the licence's own.
ALLOWED = re.compile(
    r"(^|\.)(example|test|invalid|localhost)$|(^|\.)example\.(com|net|org)$|^www\.apache\.org$|^\[2001:db8:|[{}]|^[\d.:\[\]]+$|^\w+$"
)
URL = re.compile(r"(?:https?|ftp|wss?)://(?:[^\s/@\"'<>`]*@)?(\[[^\]]+\]|[A-Za-z0-9_.{}-]*[A-Za-z0-9}])")
REGISTRY = re.compile(
    r"\b(?:[\w-]+\.)*(?:"
    + "|".join(["py" + "pi", "python" + "hosted", "npm" + "js", "deb" + "ian"])
    + r")\.(?:org|com|net|io)\b"
)
MACHINE = re.compile(
    r"(?:^|[\s\"'`=(:])/(?:work|workspace)/|/\.pyenv/|/home/(?!wuying\b|user\b|you\b|alice\b|bob\b)[a-z]+/|/Users/"
)


def complaints(path: Path, text: str) -> Iterator[str]:
    """Hosts and paths in one file that must not be there."""
    for number, line in enumerate(text.splitlines(), 1):
        for match in URL.finditer(line):
            if not ALLOWED.search(match[1].lower()):
                yield f"{path}:{number}: names the host {match[1]}"
        for pattern, what in ((REGISTRY, "a registry's host"), (MACHINE, "a path of some machine")):
            if found := pattern.search(line):
                yield f"{path}:{number}: names {what}: {found[0]}"


def main() -> int:
    """Check every text file but this one, whose tables must name what they forbid."""
    from sources import ROOT, project_files

    found: list[str] = []
    for path in project_files():
        if path.name not in ("LICENSE", Path(__file__).name):
            found += complaints(path, (ROOT / path).read_text(errors="replace"))
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
