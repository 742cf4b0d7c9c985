"""The tree of commands. Each command imports what it needs when it runs, so that `cove --help` is quick."""

import typer

from cove.cli import demo, doctor, files, keys, links, network, quotas, server, sessions, shell, top


def _group(text: str) -> typer.Typer:
    return typer.Typer(help=text, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)


def _program() -> typer.Typer:
    program = typer.Typer(
        name="cove",
        help="Your own sandbox cloud for AI agents, on this machine.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    program.callback()(server.cove)
    for command in (server.up, server.status, top.top, server.stop, server.logs, demo.demo, doctor.doctor):
        program.command()(command)
    program.add_typer(_sessions(), name="session")
    program.add_typer(_network(), name="net")
    program.add_typer(_keys(), name="key")
    program.add_typer(_quotas(), name="quota")
    return program


def _sessions() -> typer.Typer:
    group = _group("Make sessions, use them, end them.")
    group.command("list")(sessions.list_sessions)
    group.command("exec", context_settings=_PASS_ON)(sessions.execute)
    group.command("shell", context_settings=_PASS_ON)(shell.shell)
    group.command("terminals")(shell.list_terminals)
    for command in (sessions.create, sessions.show, sessions.pause, sessions.resume, sessions.delete):
        group.command()(command)
    group.command()(links.link)
    group.command("links")(links.list_links)
    group.command()(links.unlink)
    inner = _group("Files in a session. Paths inside are absolute, or relative to its home.")
    for on_file in (files.ls, files.get, files.put, files.rm, files.mkdir, files.mv):
        inner.command()(on_file)
    group.add_typer(inner, name="files")
    return group


def _network() -> typer.Typer:
    group = _group("What a session may reach, and what it did.")
    group.command()(network.show)
    group.command("set")(network.set_policy)
    group.command()(network.log)
    return group


def _keys() -> typer.Typer:
    group = _group("API keys: who may use this Cove over TCP.")
    group.command("list")(keys.list_keys)
    group.command()(keys.create)
    group.command()(keys.rotate)
    group.command()(keys.revoke)
    return group


def _quotas() -> typer.Typer:
    group = _group("Quotas: how much each tenant may have at the same time.")
    group.command("list")(quotas.list_quotas)
    group.command("set")(quotas.set_quota)
    group.command("clear")(quotas.clear_quota)
    return group


_PASS_ON = {"allow_interspersed_args": False}
"""Options after the session's id belong to the command that runs inside."""
program = _program()
