"""What commands print: tables and colours where a person looks, plain lines elsewhere, JSON where a program asked."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def is_watched() -> bool:
    """Whether a person looks at stdout."""
    return sys.stdout.isatty()


def show_json(value: Any) -> None:
    """One JSON value: indented for a person, one line for a program."""
    import msgspec

    text = msgspec.json.encode(value)
    print((msgspec.json.format(text, indent=2) if is_watched() else text).decode(), flush=True)


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> None:
    """A table for a person; lines of fields between tabs, the names first, for everything else.

    The columns named in `right` hold amounts, which end below each other.
    """
    if not is_watched():
        for fields in (columns, *rows):
            print("\t".join(printable(field) for field in fields))
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name, justify="right" if name in right else "left")
    for fields in rows:
        table.add_row(*(Text(printable(field)) for field in fields))
    Console().print(table)


def show_facts(facts: dict[str, str]) -> None:
    """Names and values, one pair a line, the values in a column."""
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        print(f"{name:<{width}}  {printable(value)}")


def printable(text: str) -> str:
    """Text without characters that move the cursor or colour the screen: it may come from inside a sandbox."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def note(text: str) -> None:
    """A remark for the person, out of the way of what is printed."""
    print(f"cove: {text}", file=sys.stderr, flush=True)


@contextmanager
def busy(text: str) -> Iterator[None]:
    """Show that something goes on, on stderr, where a person looks at it."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(text):
        yield


def age(seconds: float) -> str:
    """A length of time in its largest unit.

    >>> age(7300)
    '2 h'
    """
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0, seconds):.0f} s"


def size(number: float) -> str:
    """A number of bytes in its largest unit.

    >>> size(3 * 1024 * 1024)
    '3.0 MiB'
    """
    for unit, bytes_in_it in (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024)):
        if number >= bytes_in_it:
            return f"{number / bytes_in_it:.1f} {unit}"
    return f"{number:.0f} B"
