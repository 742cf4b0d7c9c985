"""What is printed: nothing that a sandbox says can move a terminal's cursor."""

import pytest

from cove.cli.pairs import read_amounts, read_pairs
from cove.cli.screen import printable, show_table
from cove.cli.tail import readable
from cove.core.errors import InvalidInput


@pytest.mark.parametrize("text", ["\x1b[2J", "a\rb", "\x07", "\u202e right to left", "bell\x9b1m"])
def test_no_control_character_reaches_the_screen(text: str) -> None:
    assert printable(text).isprintable()


def test_letters_of_all_languages_do() -> None:
    assert printable("Grüße 你好") == "Grüße 你好"


def test_a_table_for_programs_is_lines_of_fields_between_tabs(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(("A", "B"), [("1", "two\ttabs"), ("3", "\x1b[31m")])
    assert capsys.readouterr().out == "A\tB\n1\ttwo\\ttabs\n3\t\\x1b[31m\n"


@pytest.mark.parametrize("text", ["novalue", "=value"])
def test_a_pair_needs_a_name_and_an_equals_sign(text: str) -> None:
    with pytest.raises(InvalidInput, match="give NAME=VALUE"):
        read_pairs("--label", [text])


@pytest.mark.parametrize(("text", "amount"), [("2", 2), ("0.5", 0.5), ("64M", 64 << 20), ("1.5G", 1.5 * 1024**3)])
def test_amounts_have_units(text: str, amount: float) -> None:
    assert read_amounts("--limit", [f"x={text}"]) == {"x": amount}


@pytest.mark.parametrize("text", ["much", "-1", "1Q", "1e9", ""])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="--limit"):
        read_amounts("--limit", [f"x={text}"])


def test_a_log_line_with_a_traceback_is_many_lines() -> None:
    shown = readable(
        '{"event": "oops", "level": "error", "timestamp": "T", "exception": "Traceback\\n  here\\u001b[1m"}'
    )
    assert shown.splitlines() == ["T error   oops", "    Traceback", "      here\\x1b[1m"]


@pytest.mark.parametrize("line", ["not json\x1b", "[1, 2]", '"text"', ""])
def test_a_log_line_that_is_none_is_shown_as_it_is(line: str) -> None:
    assert readable(line) == printable(line)
