"""Writes docs/reference, and the tables of SECURITY.md and README.md, from the code; `--check` says what is stale."""

import difflib
import sys
from collections.abc import Callable
from pathlib import Path

from reference_bench import readme
from reference_claims import security_page
from reference_cli import command_page
from reference_clients import clients_page
from reference_http import http_page
from reference_sdk import client_page, failures_page
from reference_tables import errors_page, limits_page, settings_page, tools_page

ROOT = Path(__file__).parent.parent
NOTICE = "<!-- Made from the code by dev/reference.py: change that, then run `make generate`. -->\n\n"
REFERENCE: dict[str, Callable[[], str]] = {
    "tools.md": tools_page,
    "errors.md": errors_page,
    "failures.md": failures_page,
    "settings.md": settings_page,
    "limits.md": limits_page,
    "cli.md": command_page,
    "http.md": http_page,
    "client.md": client_page,
    "official-clients.md": clients_page,
}


def pages() -> dict[Path, str]:
    """Every file that is made, with what shall stand in it."""
    made = {ROOT / "docs" / "reference" / name: NOTICE + page() for name, page in REFERENCE.items()}
    return made | {ROOT / "SECURITY.md": security_page(), ROOT / "README.md": readme()}


def stale() -> list[str]:
    """A diff for each page that is not what the code says."""
    found = []
    for path, text in pages().items():
        there = path.read_text() if path.exists() else ""
        diff = difflib.unified_diff(there.splitlines(), text.splitlines(), path.name, "code", lineterm="", n=1)
        found += ["\n".join(diff)]
    return [diff for diff in found if diff]


def main() -> int:
    """Write the pages, or check them."""
    if "--check" in sys.argv[1:]:
        found = stale()
        print("\n".join(found))
        return 1 if found else 0
    for path, text in pages().items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
