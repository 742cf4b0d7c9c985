"""The table of SECURITY.md: each claim, and the files whose tests attack it, as the tests themselves say."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
ATTACKS, *OTHERS = (ROOT / "tests" / name for name in ("isolation", "egress", "gateway", "links", "compat/link"))
BEGIN, END = "<!-- claims: made by dev/reference.py -->\n", "<!-- end of claims -->\n"


def attackers(source: str) -> set[str]:
    """The claims that a test file attacks: those of its `claim` marks, and those of the table of attacks it runs."""
    tree = ast.parse(source)
    marked = {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "pytest.mark.claim"
        and isinstance(node.args[0], ast.Constant)
    }
    uses_table = "import ATTACKS" in source and "pytest.mark" in source
    return {str(claim) for claim in marked} | (table_of_attacks() if uses_table else set())


def table_of_attacks() -> set[str]:
    """The claims in attacks.py, where each attack is a row."""
    tree = ast.parse((ATTACKS / "attacks.py").read_text())
    rows = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "Attack"]
    return {str(row.args[1].value) for row in rows if isinstance(row.args[1], ast.Constant)}


def rows() -> Iterator[str]:
    """A row for each claim, in the order of claims.py."""
    sys.path.insert(0, str(ROOT))
    from tests.isolation.claims import CLAIMS

    paths = [path for folder in (ATTACKS, *OTHERS) for path in sorted(folder.glob("test_*.py"))]
    files = {path: attackers(path.read_text()) for path in paths}
    for claim in CLAIMS:
        places = [f"`{path.relative_to(ROOT)}`" for path, claims in files.items() if claim.id in claims]
        yield f"| `{claim.id}` | {claim.sentence} | {', '.join(places)} |\n"


def security_page() -> str:
    """SECURITY.md with its table made anew."""
    before, _, rest = (ROOT / "SECURITY.md").read_text().partition(BEGIN)
    head = "| claim | what is claimed | attacked in |\n| --- | --- | --- |\n"
    return before + BEGIN + "\n" + head + "".join(rows()) + "\n" + END + rest.partition(END)[2]
