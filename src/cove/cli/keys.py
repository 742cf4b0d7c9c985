"""`cove key`: who may use this Cove over TCP. For operators only."""

from typing import TYPE_CHECKING, Annotated

import typer

from cove.cli.screen import Json, age, note, show_json, show_table

if TYPE_CHECKING:
    from cove.core.api import KeyView, NewKey

KeyId = Annotated[str, typer.Argument(metavar="KEY", help="As `cove key list` shows it.")]


def list_keys(as_json: Json = False) -> None:
    """List the API keys, without their secrets."""
    from cove import AgentBay

    keys = AgentBay().server.list_keys()
    if as_json:
        show_json(keys)
    else:
        show_table(("KEY", "TENANT", "OPERATOR", "NAME", "MADE (UTC)", "STATE"), [_row(key) for key in keys])


def _row(key: "KeyView") -> tuple[str, ...]:
    role = "yes" if key.is_operator else "no"
    return (key.key_id, key.tenant, role, key.name, _utc(key.created_at, "%Y-%m-%d"), _state(key))


def _state(key: "KeyView") -> str:
    import time

    if key.revoked_at:
        return "revoked"
    if key.expires_at is None:
        return "valid"
    return "expired" if key.expires_at <= time.time() else f"until {_utc(key.expires_at, '%Y-%m-%d %H:%M')}"


def _utc(seconds: float, form: str) -> str:
    import datetime

    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime(form)


def create(
    tenant: Annotated[str, typer.Argument(help="Whose sessions the key may see; a name of your choice.")],
    operator: Annotated[bool, typer.Option("--operator", help="It sees every tenant's sessions, and keys.")] = False,
    name: Annotated[str, typer.Option(help="A note for `cove key list`, such as who has it.")] = "",
    expires_in: Annotated[float | None, typer.Option(help="Seconds until it expires.  [default: never]")] = None,
    as_json: Json = False,
) -> None:
    """Make an API key and print its secret: the only time that it is shown."""
    from cove import AgentBay

    made = AgentBay().server.create_key(tenant, is_operator=operator, name=name, expires_in=expires_in)
    _show_new(made, f"key {made.key.key_id} of tenant {tenant}; its secret is shown this once:", as_json)


def rotate(
    key_id: KeyId,
    overlap: Annotated[
        float | None, typer.Option(help="Seconds for which the old key works too.  [default: 86400, a day]")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a key in the place of another and print its secret; the old one works for the overlap, and then no more."""
    from cove import AgentBay

    made = AgentBay().server.rotate_key(key_id, overlap)
    until = "no more" if overlap == 0 else f"for {age(86400.0 if overlap is None else overlap)} more"
    _show_new(
        made, f"key {made.key.key_id} replaces {key_id}, which works {until}; its secret is shown this once:", as_json
    )


def _show_new(made: "NewKey", told: str, as_json: bool) -> None:
    if as_json:
        show_json(made)
    else:
        note(told)
        print(made.secret)


def revoke(key_id: KeyId, as_json: Json = False) -> None:
    """Make an API key useless, at once and for good."""
    from cove import AgentBay

    AgentBay().server.revoke_key(key_id)
    if as_json:
        show_json({"key_id": key_id, "revoked": True})
    else:
        print(f"{key_id} is revoked")
