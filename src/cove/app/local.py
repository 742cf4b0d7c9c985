"""`serve`: one machine's Cove, from its settings to the last request. Its sandboxes outlive it.

What takes long to load is loaded once the data directory is ours: who comes second shall know at once.
"""

import contextlib
import gc
import ipaddress
import os
import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import msgspec

from cove.app.data import DataDir
from cove.app.descriptors import open_more, requests_for
from cove.app.settings import DEFAULT_PORT, Settings
from cove.app.trust import Trust
from cove.core.errors import InvalidSetting
from cove.core.ids import ImageId
from cove.core.image import Image, Images
from cove.core.network import NetworkPolicy, check_policy
from cove.core.ports import Driver
from cove.core.version import __version__

if TYPE_CHECKING:
    from cove.app.tls import Tls
    from cove.app.web import Application
    from cove.node.settings import NodeSettings
    from cove.server import ServerSettings

Checkpoint = Callable[[str], None]
_MIB = 1024 * 1024
_UMASK = 0o022
"""Whatever our starter's: what is made for a sandbox must be readable in it, and what is private says so itself."""


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """What `serve` tells once it answers. `first_key` is set on the very first start only, and shown nowhere else.

    `trust` has what clients need for a certificate that no public authority signed.
    """

    pid: int
    url: str
    socket: str
    data: str
    first_key: str | None = None
    trust: Trust | None = None


def _quiet(_: Started) -> None:
    """Where nobody wants to know."""


def _pass(_: str) -> None:
    """What happens at a checkpoint outside of tests."""


def serve(
    settings: Settings,
    *,
    on_started: Callable[[Started], None] = _quiet,
    is_background: bool = False,
    driver: Driver | None = None,
    checkpoint: Checkpoint = _pass,
) -> None:
    """Serve until SIGTERM or SIGINT; raises DataInUse or InvalidSetting before anything is served.

    In the background it shows nothing on a screen, takes another port where the usual one is taken, and ends when
    nobody has needed it for `settings.linger` seconds. `driver` replaces this machine's own, and `checkpoint` is called
    after each durable step: both are for tests.
    """
    os.umask(_UMASK)
    data = DataDir(settings.data)
    data.prepare()
    with _uncollected(), data.locked(), contextlib.ExitStack() as doors:
        from cove.app.doors import open_unix
        from cove.app.leaving import Leaving
        from cove.app.links import Links
        from cove.app.logs import start_log
        from cove.app.web import run
        from cove.gateway import Contexts

        with data.usable():
            start_log(data.log, is_on_screen=not is_background)
            unix = doors.enter_context(open_unix(data))
        doors.callback(data.unlink_socket)
        tls = _tls(settings, data)
        tcp = doors.enter_context(_open_tcp(settings, is_background))
        links = doors.enter_context(contextlib.closing(Links(settings, data, tls)))
        keys: list[str] = []
        url = settings.public_url or _url(settings, tcp, tls)
        server = _server_settings(settings, data, keys.append, url, is_background)
        server = msgspec.structs.replace(server, links=links.place, beside=links.beside)
        application = _assembled(server, driver or _own_driver(settings, data), _images(settings), checkpoint)
        run(
            application,
            [unix] if tls else [tcp, unix],
            secured=[tcp] if tls else [],
            contexts=Contexts(tls.certify) if tls else None,
            on_started=lambda: _tell(server, _started(settings, url, unix, keys, tls), on_started),
            is_over=Leaving(data, server.presence, settings.linger),
        )


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """What a start loads stays, and looking through it for garbage again and again is a tenth of the start."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _tell(server: "ServerSettings", started: Started, on_started: Callable[[Started], None]) -> None:
    import structlog

    gc.freeze()
    gc.enable()
    server.presence.begin()
    structlog.get_logger("cove.app").info(
        "serving", pid=started.pid, version=__version__, is_background=server.presence.is_background
    )
    on_started(started)


def _open_tcp(settings: Settings, is_background: bool) -> socket.socket:
    """Nobody chose the port of a Cove in the background, so that another's must not keep it from starting."""
    from cove.app.doors import open_tcp

    try:
        return open_tcp(settings.host, settings.port)
    except InvalidSetting:
        if not is_background or settings.port != DEFAULT_PORT:
            raise
        return open_tcp(settings.host, 0)


def _tls(settings: Settings, data: DataDir) -> "Tls | None":
    """What the settings ask for; its library takes long to load, and most want none."""
    if not settings.tls:
        return None
    from cove.app.tls import tls_of

    return tls_of(settings, data)


def _url(settings: Settings, tcp: socket.socket, tls: "Tls | None") -> str:
    """The address that clients are told where the operator told none: on this machine, or by the certificate's name."""
    from cove.app.doors import address_of

    if tls is None:
        return address_of(tcp)
    is_near = ipaddress.ip_address(settings.host).is_loopback and tls.trust is not None
    return address_of(tcp, "https", "" if is_near else tls.name)


def _started(settings: Settings, url: str, unix: socket.socket, keys: list[str], tls: "Tls | None") -> Started:
    from cove.app.doors import address_of

    return Started(
        pid=os.getpid(),
        url=url,
        socket=address_of(unix),
        data=str(settings.data),
        first_key=keys[0] if keys else None,
        trust=tls.trust if tls else None,
    )


def _server_settings(
    settings: Settings, data: DataDir, on_first_key: Callable[[str], None], url: str, is_background: bool
) -> "ServerSettings":
    from cove.server import ServerSettings
    from cove.server.presence import Presence

    return ServerSettings(
        database=data.database,
        api_key=settings.api_key,
        on_first_key=on_first_key,
        public_url=url,
        reserve_bytes=settings.reserve_mib * _MIB,
        memory_reserve_bytes=settings.memory_reserve_mib * _MIB,
        most_requests=requests_for(open_more()),
        slots=settings.slots,
        api_mode_images=frozenset(settings.api_mode),
        network=default_network(settings),
        trusted_uids=frozenset({0, os.geteuid()}),
        presence=Presence(is_background=is_background),
    )


def default_network(settings: Settings) -> NetworkPolicy:
    """What new sessions may reach whose maker does not say; `rules` without more are those that the operator gave."""
    return check_policy({"mode": settings.network, "allow": settings.allow if settings.network == "rules" else ()})


def _assembled(server: "ServerSettings", driver: Driver, images: Images, checkpoint: Checkpoint) -> "Application":
    from cove.guest.tools import catalogue
    from cove.server import assemble

    return assemble(driver, images, catalogue(), server, checkpoint=checkpoint)


def _images(settings: Settings) -> Images:
    """The machine's own `host`, and each directory that the operator named."""
    named = (entry.partition("=") for entry in settings.images)
    return Images((Image(id=ImageId("host")), *(Image(id=ImageId(name), root=root) for name, _, root in named)))


def _own_driver(settings: Settings, data: DataDir) -> Driver:
    from cove.node.drivers.namespaces import NamespacesDriver

    return NamespacesDriver(node_settings(settings, data))


def node_settings(settings: Settings, data: DataDir) -> "NodeSettings":
    """What this machine's node is told."""
    from cove.node.settings import NodeSettings

    return NodeSettings(
        data_dir=data.root,
        cache_dir=settings.cache,
        instance=data.instance(),
        allow=settings.allow,
        first_uid=settings.first_uid,
        slots=settings.slots,
    )
