"""The fenced blocks of a page, and how what they print is compared with what the page says."""

import re
import textwrap
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"))]
    + list(ROOT.glob("docs/**/*.md"))
)
_BLOCK = re.compile(r"^(?P<indent> *)```(?P<info>[^\n]+)\n(?P<text>.*?)^(?P=indent)```$", re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(r"^\$ ", re.MULTILINE)
_PRINTED = re.compile(r"^\s*print\(.*\)  # (.*)$", re.MULTILINE)


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """A fenced block. `name` is the file that the block is, if it is one; `prints` what a Python block must print."""

    page: str
    line: int
    kind: str
    name: str
    text: str
    prints: str | None

    @property
    def first_line(self) -> str:
        """How a block is named in not_run.toml."""
        return self.text.lstrip().split("\n")[0]

    def commands(self) -> list[tuple[str, str]]:
        """Each command of a console block, with what it must print."""
        parts = [part.partition("\n") for part in _COMMAND.split(self.text)[1:]]
        return [(command.replace("sudo ", ""), said) for command, _, said in parts]


def name_of(page: Path) -> str:
    """A page as it is called in test ids."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    """Every block of a page; a `text` block that follows a Python one at once is what that one prints."""
    text, found = page.read_text(), []
    matches = list(_BLOCK.finditer(text))
    for place, match in enumerate(matches):
        kind, _, name = match["info"].partition(" ")
        body = textwrap.dedent(match["text"])
        after = matches[place + 1] if place + 1 < len(matches) else None
        found.append(
            Block(
                page=name_of(page),
                line=text[: match.start("text")].count("\n") + 1,
                kind=kind,
                name=name,
                text=body,
                prints=_prints(body, after, text[match.end() : after.start()] if after else "")
                if kind == "python"
                else None,
            )
        )
    return found


def _prints(body: str, after: re.Match[str] | None, between: str) -> str | None:
    if after is not None and after["info"] == "text" and not between.strip():
        return textwrap.dedent(after["text"])
    comments = _PRINTED.findall(body)
    return "\n".join(comments) if comments else None


def is_like(printed: str, said: str) -> bool:
    """Whether it is what the page says; … stands for anything.

    >>> is_like("s-1 is PAUSED\\n", "s-… is PAUSED")
    True
    """
    pattern = re.escape(said.strip()).replace("…", ".*")
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None
