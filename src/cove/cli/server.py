"""`cove up`, `status`, `stop` and `logs`: the server of this machine."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cove.cli.screen import Json, busy, is_watched, note, show_facts, show_json

if TYPE_CHECKING:
    from cove.app.local import Started
    from cove.app.trust import Trust

Data = Annotated[Path | None, typer.Option(help="The data directory.  [default: $COVE_DATA, or the user's own]")]


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        from cove.core.version import __version__

        print(__version__)
        raise typer.Exit


def cove(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Your own sandbox cloud for AI agents, on this machine."""


def up(  # noqa: PLR0913, PLR0917 - the issue fixes its options
    host: Annotated[str | None, typer.Option(help="The address to listen on.  [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="The TCP port; 0 takes a free one.  [default: 7717]")] = None,
    link_port: Annotated[
        int | None, typer.Option(help="The port of links; 0 takes a free one.  [default: 7718]")
    ] = None,
    link_url: Annotated[
        str | None, typer.Option(metavar="URL", help="https://*.DOMAIN of a proxy before the link port.")
    ] = None,
    tls: Annotated[
        bool | None, typer.Option("--tls", help="Speak TLS, with certificates of its own authority.")
    ] = None,
    tls_name: Annotated[
        list[str] | None, typer.Option(metavar="HOST", help="One more name that clients call it by. Repeatable.")
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(metavar="FILE", help="Your own certificate: the full chain.")] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help="The private key of --tls-cert.")] = None,
    data: Data = None,
    network: Annotated[
        str | None, typer.Option(help="What new sessions reach: open, none, or rules (what --allow names).")
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST", help="What is not public and may be reached: a host, an address, a network."),
    ] = None,
    image: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=DIR", help="A root file system to make sessions from, beside `host`. Repeatable."),
    ] = None,
    background: Annotated[
        bool, typer.Option("--background", help="Return once it answers; it goes when nobody needs it.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Serve this machine's Cove, until Ctrl-C or `cove stop`.

    Sessions outlive it: the next `cove up` on the same data directory finds them again. In the background is how
    clients start it that name no endpoint; it goes after COVE_LINGER seconds without a session and without a request.
    """
    _check_platform()
    from cove.app.local import serve
    from cove.app.settings import settings_from

    lists = {"allow": tuple(allow or ()), "images": tuple(image or ())}
    links = {"link_port": link_port, "link_url": link_url}
    secure = {"tls": tls, "tls_name": tuple(tls_name or ()), "tls_cert": tls_cert, "tls_key": tls_key}
    settings = settings_from({"host": host, "port": port, "data": data, "network": network, **links, **secure, **lists})
    if background:
        from cove.app.background import start_in_background

        started = start_in_background(settings)
        show_json(started) if as_json else _show_started(started, _GOES)
    else:
        serve(settings, on_started=show_json if as_json else _show_started)


def _check_platform() -> None:
    import sys

    if sys.platform != "linux":
        from cove.core.errors import NotSupported

        raise NotSupported(what="`cove up`", reason="sandboxes need Linux; set COVE_ENDPOINT to a Cove on one")


_STAYS = "Ctrl-C stops the server; sessions live on."
_GOES = "`cove stop` ends it; sessions live on."


def _show_started(started: "Started", end: str = _STAYS) -> None:
    facts = {"address": started.url, "socket": started.socket, "data": started.data}
    print("Cove is up.", flush=True)
    show_facts(facts)
    if started.first_key:
        print("\nClients over TCP, with the first API key, which is shown this once:\n")
        print(f"    export COVE_ENDPOINT={started.url} COVE_API_KEY={started.first_key}")
    if started.trust:
        print(_trusting(started.url, started.trust))
    print(_way_in(started))
    print(f"Try: cove session create\n{end}", flush=True)


_TRUSTING = """
Clients trust its certificate with

    export COVE_CA={authority}

and those of AgentBay and AGB, curl, and most others, with

    export SSL_CERT_FILE={bundle}
    export REQUESTS_CA_BUNDLE=$SSL_CERT_FILE CURL_CA_BUNDLE=$SSL_CERT_FILE
    export AGENTBAY_ENDPOINT={host} AGENTBAY_API_KEY=$COVE_API_KEY
    export AGB_ENDPOINT={url} AGB_API_KEY=$COVE_API_KEY

Both files hold no secret: copy them to where clients run."""
_NEW_AUTHORITY = (
    "\nIts authority is new, since the old one may not vouch for every name, or expires: copy its files anew."
)


def _trusting(url: str, trust: "Trust") -> str:
    """What to paste so that clients trust this Cove's own authority."""
    files = {"authority": shlex.quote(trust.authority), "bundle": shlex.quote(trust.bundle)}
    said = _TRUSTING.format(url=url, host=url.partition("://")[2], **files)
    return said + (_NEW_AUTHORITY if trust.is_new else "")


def _way_in(started: "Started") -> str:
    """How the user who runs it gets in: by the directory alone, where it is not the one that is looked in anyhow."""
    from cove.app.settings import default_data

    if started.data == str(default_data()):
        return "\nWhoever runs it needs neither on this machine."
    return f"\nYou on this machine:\n\n    export COVE_DATA={shlex.quote(started.data)}\n"


def status(data: Data = None, as_json: Json = False) -> None:
    """Show the server, and what its isolation gives.

    It is the one that COVE_ENDPOINT names, or else this user's own.
    """
    from cove import AgentBay

    if data is None:
        _check_it_runs()
    with AgentBay(endpoint=None if data is None else f"unix://{data.absolute()}/run/cove.sock") as bay:
        health, capabilities = bay.server.health(), bay.server.capabilities()
        count = bay.list(limit=1).total_count
        endpoint = bay.transport.endpoint
    if as_json:
        show_json({"endpoint": endpoint, "health": health, "capabilities": capabilities, "sessions": count})
        return
    isolation = capabilities.isolation
    off = [name for name, is_on in isolation.controls.items() if not is_on]
    show_facts(
        {
            "status": f"{health.status}, process {health.pid}{', in the background' if health.is_background else ''}",
            "version": health.version,
            "endpoint": endpoint,
            "sessions": str(count),
            "isolation": f"{isolation.driver}: {isolation.kernel_boundary}",
            "network": f"{capabilities.network}, where a session asks for nothing else",
            "controls": ", ".join(name for name, is_on in isolation.controls.items() if is_on) or "none",
            **({"off": ", ".join(off)} if off else {}),
        }
    )
    for remark in isolation.notes:
        print(f"  {remark}")


def _check_it_runs() -> None:
    """Raise ServerUnreachable where the local Cove does not run: to look at it must not start it."""
    from cove.core.errors import ServerUnreachable
    from cove.sdk._local import health_of
    from cove.sdk._settings import client_settings

    settings = client_settings("", None, None)
    if settings.local is not None and health_of(settings.local.socket) is None:
        raise ServerUnreachable(endpoint=settings.address.shown, reason="none runs")


def stop(
    data: Data = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for its end.")] = 30.0,
    as_json: Json = False,
) -> None:
    """Stop this machine's server. Its sessions live on, and the next `cove up` finds them."""
    _check_platform()
    from cove.app.data import DataDir
    from cove.app.holder import end_holder
    from cove.app.settings import settings_from

    held = DataDir(settings_from({"data": data}).data)
    with busy("stopping"):
        pid = end_holder(held, timeout)
    if as_json:
        show_json({"stopped": pid})
    else:
        print(f"process {pid} has ended" if pid else f"no Cove serves {held.root}")


def logs(
    data: Data = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")] = 100,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written next.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the lines as they are kept: one object each.")] = False,
) -> None:
    """Print the log of this machine's server."""
    _check_platform()
    from cove.app.data import DataDir
    from cove.app.settings import settings_from
    from cove.cli.tail import follow_lines, last_lines, readable
    from cove.core.errors import CoveError

    log = DataDir(settings_from({"data": data}).data).log
    if not log.exists():
        raise CoveError(reason=f"no log at {log}; nothing has been served from there yet")
    render = str.rstrip if as_json else readable
    for line in last_lines(log, lines):
        print(render(line))
    if follow:
        if is_watched():
            note(f"following {log}; Ctrl-C ends it")
        for line in follow_lines(log):
            print(render(line), flush=True)
