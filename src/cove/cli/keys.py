"""`cove key`: who may use this Cove over TCP. For operators only."""

from typing import TYPE_CHECKING, Annotated

import typer

from cove.cli.screen import Json, note, show_json, show_table

if TYPE_CHECKING:
    from cove.core.api import KeyView


def list_keys(as_json: Json = False) -> None:
    """List the API keys, without their secrets."""
    from cove import AgentBay

    keys = AgentBay().server.list_keys()
    if as_json:
        show_json(keys)
    else:
        show_table(("KEY", "TENANT", "OPERATOR", "BEGINS WITH", "MADE (UTC)", "STATE"), [_row(key) for key in keys])


def _row(key: "KeyView") -> tuple[str, ...]:
    import datetime

    made = datetime.datetime.fromtimestamp(key.created_at, datetime.UTC).strftime("%Y-%m-%d %H:%M")
    state = "revoked" if key.revoked_at else "valid"
    return (key.key_id, key.tenant, "yes" if key.is_operator else "no", key.prefix, made, state)


def create(
    tenant: Annotated[str, typer.Argument(help="Whose sessions the key may see; a name of your choice.")],
    operator: Annotated[bool, typer.Option("--operator", help="It sees every tenant's sessions, and keys.")] = False,
    as_json: Json = False,
) -> None:
    """Make an API key and print its secret: the only time that it is shown."""
    from cove import AgentBay

    made = AgentBay().server.create_key(tenant, is_operator=operator)
    if as_json:
        show_json(made)
        return
    note(f"key {made.key.key_id} of tenant {tenant}; its secret is shown this once:")
    print(made.secret)


def revoke(
    key_id: Annotated[str, typer.Argument(help="As `cove key list` shows it.")],
    as_json: Json = False,
) -> None:
    """Make an API key useless, at once and for good."""
    from cove import AgentBay

    AgentBay().server.revoke_key(key_id)
    if as_json:
        show_json({"key_id": key_id, "revoked": True})
    else:
        print(f"{key_id} is revoked")
