"""`cove top`: the sessions that use most, again and again."""

import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from cove.cli.screen import Json, age, is_watched, printable, show_json, show_table, size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, RenderableType

    from cove import AgentBay
    from cove.core.api import Usage

_COLUMNS = ("ID", "STATE", "CPU %", "MEMORY", "CALLS", "AGE", "RX/s", "TX/s", "LABELS")
_GAP, _LEAST = 2, 5
"""Characters between columns, and of the last one."""
_LEFT = ("ID", "STATE", "LABELS")
_FRAME = 4
"""Lines of the screen that are no session's: the summary, the names, and what is left out."""


def top(
    interval: Annotated[float, typer.Option(min=0.1, max=3600, help="Seconds from one look to the next.")] = 2.0,
    as_json: Json = False,
) -> None:
    """Show what sessions use, the busiest first, until q or Ctrl-C.

    CPU is in percent of one processor; CALLS are those that run now, and all since the server started. Where nobody
    watches, and with `--json`, it looks once.
    """
    with _client() as bay:
        if as_json:
            show_json({"sessions": _look(bay)})
        elif is_watched():
            with suppress(KeyboardInterrupt):
                _watch(bay, interval)
        else:
            show_table(_COLUMNS, [_row(each) for each in _look(bay)])


def _client() -> "AgentBay":
    """A client of a server that runs: to look at one must not start it, nor start it again while we look."""
    from cove import AgentBay
    from cove.core.errors import ServerUnreachable
    from cove.sdk._local import health_of
    from cove.sdk._settings import client_settings

    settings = client_settings("", None, None)
    if settings.local is not None and health_of(settings.local.socket) is None:
        raise ServerUnreachable(endpoint=settings.address.shown, reason="none runs")
    return AgentBay(endpoint=settings.address.shown)


def _look(bay: "AgentBay") -> "list[Usage]":
    """Every session, the busiest first."""
    from cove.sdk._wire import server as wire

    page = bay.transport.ask(wire.usage()).get()
    found = page.usage
    while page.next_cursor:
        page = bay.transport.ask(wire.usage(page.next_cursor)).get()
        found += page.usage
    return sorted(found, key=_busyness, reverse=True)


def _busyness(each: "Usage") -> tuple[float, int, int]:
    return round(_cpu(each)), each.calls_running, each.metrics.mem_used if each.metrics else 0


def _cpu(each: "Usage") -> float:
    """Percent of one processor."""
    return each.metrics.cpu_used_pct * each.metrics.cpu_count if each.metrics else 0.0


def _row(each: "Usage") -> tuple[str, ...]:
    view, metrics = each.session, each.metrics
    cpu = memory = received = sent = "-"
    if metrics is not None:
        cpu, memory = f"{_cpu(each):.0f}", size(metrics.mem_used)
        received, sent = size(metrics.rx_bytes_per_s), size(metrics.tx_bytes_per_s)
    calls = f"{each.calls_running}/{each.calls_total}"
    labels = " ".join(f"{name}={value}" for name, value in view.labels.items())
    lived = age(time.time() - view.created_at)
    return (view.session_id, view.state, cpu, memory, calls, lived, received, sent, labels)


def _watch(bay: "AgentBay", interval: float) -> None:
    from rich.console import Console
    from rich.live import Live

    from cove.cli.keyboard import Keys

    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        signal.signal(number, _leave)
    console = Console(highlight=False)
    with Keys() as keys, Live(console=console, screen=True, auto_refresh=False, redirect_stderr=False) as live:
        while True:
            found, shown_at = _look(bay), console.size
            live.update(picture(found, console, bay.transport.endpoint), refresh=True)
            end = time.monotonic() + interval
            while (left := end - time.monotonic()) > 0:
                if keys.quit_within(min(left, _GLANCE)):
                    return
                if console.size != shown_at:
                    shown_at = console.size
                    live.update(picture(found, console, bay.transport.endpoint), refresh=True)


def _leave(number: int, _: object) -> NoReturn:
    raise SystemExit(128 + number)


_GLANCE = 0.25
"""Seconds until a new size of the window shows at the latest."""


def picture(found: "list[Usage]", console: "Console", endpoint: str) -> "RenderableType":
    """What fits on the screen: a summary, and as many sessions and columns as there is room for."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    lines = max(console.height - _FRAME, 1)
    rows = [(each, [printable(cell) for cell in _row(each)]) for each in found[:lines]]
    widths = _widths([_COLUMNS, *(cells for _, cells in rows)], console.width)
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for at in widths:
        table.add_column(_COLUMNS[at], justify="left" if _COLUMNS[at] in _LEFT else "right", no_wrap=True)
    for each, cells in rows:
        texts = [Text(cells[at], no_wrap=True, overflow="ellipsis") for at in widths]
        for text, width in zip(texts, widths.values(), strict=True):
            text.truncate(width, overflow="ellipsis")
        table.add_row(*texts, style="" if each.session.state == "RUNNING" else "dim")
    hidden = len(found) - len(rows)
    rest = [Text(f"… and {hidden} more", style="dim")] if hidden else []
    return Group(_summary(found, endpoint), Text(), table, *rest)


def _widths(rows: "Sequence[Sequence[str]]", room: int) -> dict[int, int]:
    """The columns that there is room for, by their place, and how wide each is; the last takes what is left.

    >>> _widths([("A", "BB", "a long one")], 12)
    {0: 1, 1: 2, 2: 5}
    """
    from rich.cells import cell_len

    widths: dict[int, int] = {}
    last = len(rows[0]) - 1
    for at in range(last + 1):
        width = max(cell_len(row[at]) for row in rows)
        if at == last and room >= _LEAST:
            widths[at] = min(width, room)
        elif width > room:
            break
        elif at < last:
            widths[at] = width
        room -= width + _GAP
    return widths


def _summary(found: "list[Usage]", endpoint: str) -> "RenderableType":
    from rich.text import Text

    measured = [each.metrics for each in found if each.metrics]
    facts = [
        f"{len(found)} session{'' if len(found) == 1 else 's'}",
        f"cpu {sum(map(_cpu, found)):.0f} %",
        f"memory {size(sum(metrics.mem_used for metrics in measured))}",
        f"{sum(each.calls_running for each in found)} calls",
        "q quits",
        endpoint,
    ]
    return Text(" · ".join(facts), no_wrap=True, overflow="ellipsis", style="reverse")
