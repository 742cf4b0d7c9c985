"""What the server must be told. Reading it from the environment or a command line is the app's work."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path

import msgspec

from cove.core.link import LinkPlace
from cove.core.network import NetworkPolicy
from cove.core.ports import LinkDoor
from cove.server.presence import Presence

MIB = 1024 * 1024


def _ignore(_: str) -> None:
    """Where nobody wants to see the first key."""


def _nothing(_: LinkDoor) -> AbstractAsyncContextManager[None]:
    """What runs beside a server without links."""
    return nullcontext()


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one server.

    `api_key` becomes an operator's key; without it, an empty store gets one made, which `on_first_key` is told once.
    `reserve_bytes` of the disk and `memory_reserve_bytes` of the memory are kept back from new sessions.
    `trusted_uids` are the local users who need no key on the Unix socket. `public_url` is what clients are told;
    `links` is where a gateway serves links, None where there is none; `beside` is that gateway, entered once the server
    knows its sessions and left before it lets go of them.
    """

    database: Path
    links: LinkPlace | None = None
    beside: Callable[[LinkDoor], AbstractAsyncContextManager[None]] = _nothing
    api_key: str | None = None
    on_first_key: Callable[[str], None] = _ignore
    public_url: str = ""
    reserve_bytes: int = 64 * MIB
    memory_reserve_bytes: int = 256 * MIB
    slots: int = 1024
    trusted_uids: frozenset[int] = frozenset()
    api_mode_images: frozenset[str] = frozenset()
    """Images, or `*`, whose sessions tell the official clients no LinkUrl: they call tools through the API."""
    network: NetworkPolicy = NetworkPolicy()
    """What a session may reach whose maker did not say."""
    sweep_seconds: float = 1.0
    """How often lifetimes and idle times are looked at."""
    most_requests: int = 1000
    """How many requests may be answered at the same time; one more is refused. The machine's own users are not."""
    most_body_bytes: int = 256 * MIB
    """Of large requests that are on their way and whose senders are not known yet; one more is refused."""
    most_creating: int = 256
    """How many sessions may be in the making; one more is refused, so that nobody waits for long."""
    create_seconds: float = 120.0
    """How long making one sandbox may take."""
    keep_ended_seconds: float = 7 * 86400.0
    """How long an ended session can still be asked about."""
    shutdown_seconds: float = 10.0
    """How long moves that have begun may take to end when the server stops."""
    presence: Presence = msgspec.field(default_factory=Presence)
    """Whether anybody needs the server: it counts, and the app asks."""
