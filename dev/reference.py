"""Writes docs/reference from the code, so that it cannot be out of date; `--check` says whether it is."""

import difflib
import sys
from collections.abc import Callable
from pathlib import Path

from reference_cli import command_page
from reference_http import http_page
from reference_sdk import client_page
from reference_tables import errors_page, limits_page, settings_page, tools_page

PLACE = Path(__file__).parent.parent / "docs" / "reference"
NOTICE = "<!-- Made from the code by dev/reference.py: change that, then run `make generate`. -->\n\n"
PAGES: dict[str, Callable[[], str]] = {
    "tools.md": tools_page,
    "errors.md": errors_page,
    "settings.md": settings_page,
    "limits.md": limits_page,
    "cli.md": command_page,
    "http.md": http_page,
    "client.md": client_page,
}


def stale() -> list[str]:
    """A diff for each page that is not what the code says."""
    found = []
    for name, page in PAGES.items():
        path = PLACE / name
        there = path.read_text() if path.exists() else ""
        diff = difflib.unified_diff(there.splitlines(), (NOTICE + page()).splitlines(), name, "code", lineterm="", n=1)
        found += ["\n".join(diff)]
    return [diff for diff in found if diff]


def main() -> int:
    """Write the pages, or check them."""
    if "--check" in sys.argv[1:]:
        print("\n".join(stale()))
        return 1 if stale() else 0
    for name, page in PAGES.items():
        (PLACE / name).write_text(NOTICE + page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
