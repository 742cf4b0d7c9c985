"""Every block of the documentation runs, in order, and prints what the page says it prints.

Python runs in one namespace for each page. Of `$` commands `sudo` is left out, for we are root; `cove up` starts the
server that the rest of the page talks to, with a store of its own. Where a page needs an official client, an
environment with its wheel stands in the page's directory.
"""

import io
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from tests.contract.clients import AGB, AGENTBAY
from tests.contract.installing import python_of
from tests.serving import IS_REAL

from .blocks import PAGES, ROOT, Block, blocks, is_like, name_of
from .serving import Serving

LISTED = tomllib.loads(Path(__file__).with_name("not_run.toml").read_text())
NOT_RUN = LISTED["block"]
RUN_KINDS = ("python", "console", "sh")
PLAIN_KINDS = ("text", "ini", "nginx")
_UP = re.compile(r"^cove up\b(.*)$")
_MARK = "\x1e"
_SECONDS = 240
_USUAL_URL = re.compile(r"https?://127\.0\.0\.1:7717")
"""Where pages say that a Cove is; the one of the tests has a free port."""
CLIENTS = {f"{client.wheel}=={client.version}": client for client in (*AGENTBAY, *AGB)}


@pytest.fixture(scope="module")
def serving() -> Iterator[Serving]:
    """One data directory, and the server on it."""
    serving = Serving("docs")
    yield serving
    serving.close()


def reason_not_to_run(block: Block) -> str | None:
    for entry in NOT_RUN:
        if (entry["page"], entry["begins"]) == (block.page, block.first_line):
            return str(entry["reason"])
    return None


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=name_of)
def test_page_is_true(page: Path, serving: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if name_of(page) in LISTED["needs_root"] and not IS_REAL:
        pytest.skip("the page is about real walls, which need root")
    monkeypatch.chdir(tmp_path)
    wanted = [block for block in blocks(page) if block.kind in RUN_KINDS and reason_not_to_run(block) is None]
    if wanted:
        serving.serve()
    for name in [name for name in os.environ if name.startswith("COVE_") and name != "COVE_CACHE"]:
        monkeypatch.delenv(name)
    for name, value in serving.environ.items():
        monkeypatch.setenv(name, value)
    for name, wheel in LISTED["environments"].get(name_of(page), {}).items():
        Path(name).symlink_to(Path(python_of(CLIENTS[wheel])).parents[1])
    names: dict[str, object] = {"__name__": "page"}
    for block in wanted:
        if block.kind == "python":
            run_python(block, names)
        else:
            run_shell(block, serving)


def run_python(block: Block, names: dict[str, object]) -> None:
    if block.name:
        Path(block.name).write_text(block.text)
        return
    output = io.StringIO()
    code = compile("\n" * (block.line - 1) + block.text, block.page, "exec")
    with redirect_stdout(output):
        exec(code, names)
    if block.prints is not None:
        assert is_like(output.getvalue(), block.prints), f"{block.page}:{block.line} printed {output.getvalue()!r}"


def run_shell(block: Block, serving: Serving) -> None:
    """All commands of a block in one shell, which keeps variables from one to the next."""
    commands = [(block.text, "…")] if block.kind == "sh" else block.commands()
    if up := _UP.match(commands[0][0]):
        said = serving.restart(up[1])
        assert not IS_REAL or not commands[0][1] or is_like(said, commands[0][1]), said
        commands = commands[1:]
    if not commands:
        return
    if any(_USUAL_URL.search(command) for command, _ in commands):
        url = serving.url
        commands = [(_USUAL_URL.sub(url, command), said) for command, said in commands]
    script = "".join(f"{command}\nprintf '{_MARK}%s{_MARK}' $?\n" for command, _ in commands)
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "NO_COLOR": "1"}
    done = subprocess.run(
        ["bash", "-c", script],
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    parts = done.stdout.split(_MARK)
    for (command, said), printed, status in zip(commands, parts[::2], parts[1::2], strict=False):
        where = f"{block.page}:{block.line}: `{command}`"
        assert status == "0", f"{where} ended with {status}: {done.stderr}"
        assert is_like(printed, said), f"{where} printed {printed!r}; on stderr {done.stderr!r}"


def test_blocks_that_do_not_run_have_a_reason_and_exist() -> None:
    known = {(block.page, block.first_line) for page in PAGES for block in blocks(page)}
    for entry in NOT_RUN:
        assert entry["reason"]
        assert (entry["page"], entry["begins"]) in known


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_is_of_a_kind_that_runs_or_is_plain(page: Path) -> None:
    found = blocks(page)
    assert {block.kind for block in found} <= {*RUN_KINDS, *PLAIN_KINDS}
    assert page.read_text().count("```") == 2 * len(found)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)]*))?\)", text):
        place = (page.parent / target).resolve() if target else page
        assert place.exists(), target
        if anchor:
            assert anchor in {
                heading_anchor(line) for line in re.findall(r"^#+ (.*)$", place.read_text(), re.MULTILINE)
            }


def heading_anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/*/*.md")), ids=name_of)
def test_every_page_is_in_the_index(page: Path) -> None:
    assert f"({page.relative_to(ROOT / 'docs').as_posix()})" in (ROOT / "docs" / "index.md").read_text()


@pytest.mark.parametrize(
    ("printed", "said", "is_it"), [("s-1\n", "s-…", True), ("a\nb\n", "…\n", True), ("a", "b…", False)]
)
def test_an_ellipsis_stands_for_anything(printed: str, said: str, is_it: bool) -> None:
    assert is_like(printed, said) is is_it
