"""`cove quota`: how much each tenant may have at the same time. For operators; a tenant sees its own."""

from typing import TYPE_CHECKING, Annotated

import typer

from cove.cli.screen import Json, show_json, show_table, size

if TYPE_CHECKING:
    from collections.abc import Callable

    from cove.core.api import QuotaView

Tenant = Annotated[str, typer.Argument(metavar="TENANT", help="As `cove key list` shows it, or * for all without one.")]
_COLUMNS = ("TENANT", "SESSIONS", "MEMORY", "CPUS")


def list_quotas(as_json: Json = False) -> None:
    """List what each tenant uses, of what it may."""
    from cove import AgentBay

    found = AgentBay().server.list_quotas()
    if as_json:
        show_json(found)
    else:
        show_table(_COLUMNS, [_row(view) for view in found])


def set_quota(
    tenant: Tenant,
    amounts: Annotated[
        list[str], typer.Argument(metavar="NAME=AMOUNT", help="sessions=5, memory_bytes=8G or cpus=4: sums of limits.")
    ],
    as_json: Json = False,
) -> None:
    """Replace a tenant's quota; what is not named is not bounded. Sessions beyond it live on, and none is added."""
    import msgspec

    from cove import AgentBay, InvalidInput, Quota
    from cove.cli.pairs import read_amounts

    try:
        quota = msgspec.convert(read_amounts("amount", amounts), Quota)
    except msgspec.ValidationError as error:
        remedy = f"{error} (a quota has sessions, memory_bytes and cpus)"
        raise InvalidInput(name="amount", value=" ".join(amounts), remedy=remedy) from error
    _show(AgentBay().server.set_quota(tenant, quota), as_json)


def clear_quota(tenant: Tenant, as_json: Json = False) -> None:
    """Remove a tenant's own quota: from now on it has that of *."""
    from cove import AgentBay

    _show(AgentBay().server.clear_quota(tenant), as_json)


def _show(view: "QuotaView", as_json: bool) -> None:
    if as_json:
        show_json(view)
    else:
        show_table(_COLUMNS, [_row(view)])


def _row(view: "QuotaView") -> tuple[str, ...]:
    quota, used = view.quota, view.used
    return (
        view.tenant,
        _share(used.sessions, quota.sessions, str),
        _share(used.memory_bytes, quota.memory_bytes, size),
        _share(used.cpus, quota.cpus, "{:g}".format),
    )


def _share(used: float, limit: float | None, shown: "Callable[[float], str]") -> str:
    return shown(used) if limit is None else f"{shown(used)} of {shown(limit)}"
