"""What an operation is: its names on both wires, what it takes, and the one function that does it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, get_type_hints

import msgspec

from cove.compat.operations.service import Service
from cove.core.errors import NotSupported


class Nothing(msgspec.Struct, frozen=True, kw_only=True):
    """What an operation takes whose arguments nobody reads yet."""


class SessionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A session, and no more."""

    session_id: str = ""


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """An answer whose envelope counts: `data` is a page; `next_token` is empty on the last one."""

    data: Any
    next_token: str = ""
    max_results: int = 0
    total_count: int = 0


Run = Callable[[Service, Any, Any], Awaitable[Any]]


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation. `action` is AgentBay's name, `agb` are AGB's endpoints, as `POST /mcp/createSession`.

    `request` has the wire's names in snake_case as fields, each with a default, since each may be absent.
    `methods` are what users of the official clients call. An operation with a `lacks` is known, and refuses: it names
    the capability that this version has not built. `refuses` has the parameters for which it does so, each with its
    capability, unless they ask for nothing. `ignores` has those that change nothing, and why that is right.
    """

    action: str
    agb: tuple[str, ...]
    methods: str
    request: type[msgspec.Struct]
    run: Run
    summary: str
    lacks: str = ""
    refuses: Mapping[str, str] = {}
    ignores: Mapping[str, str] = {}


def operation(
    action: str,
    *agb: str,
    methods: str,
    refuses: Mapping[str, str] | None = None,
    ignores: Mapping[str, str] | None = None,
) -> Callable[[Run], Operation]:
    """Make an operation of a function `(service, caller, request) -> answer`.

    The answer is a struct in snake_case, a `Listed`, plain JSON, or None.
    """

    def declare(run: Run) -> Operation:
        return Operation(
            action=action,
            agb=agb,
            methods=methods,
            request=get_type_hints(run)["request"],
            run=_refusing(refuses, run) if refuses else run,
            summary=(run.__doc__ or "").partition("\n")[0],
            refuses=refuses or {},
            ignores=ignores or {},
        )

    return declare


def _refusing(refuses: Mapping[str, str], run: Run) -> Run:
    """The same for requests that ask for nothing which is not built: nobody must go without it unawares."""

    async def checked(service: Service, caller: Any, request: Any) -> Any:
        for name, capability in refuses.items():
            if getattr(request, name):
                raise not_built(capability, f"the parameter {name}")
        return await run(service, caller, request)

    return checked


def lacking(capability: str, action: str, *agb: str, methods: str) -> Operation:
    """An operation whose capability is not built yet: it says so, and names the capability."""

    async def refuse(_: Service, __: Any, ___: Nothing) -> None:
        raise not_built(capability, action)

    summary = f"Waits for the capability {capability}."
    return Operation(
        action=action, agb=agb, methods=methods, request=Nothing, run=refuse, summary=summary, lacks=capability
    )


def not_built(capability: str, needed_by: str) -> NotSupported:
    """The error for what needs a capability that this version has not."""
    reason = f"this version of Cove has not built it yet, and {needed_by} needs it"
    return NotSupported(what=f"the capability {capability!r}", reason=reason)
