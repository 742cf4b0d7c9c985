"""Where this machine's links are served: the port, kept from start to start, and the gateway beside the server."""

import contextlib
import errno
import os
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from cove.app.data import DataDir
from cove.app.settings import DEFAULT_LINK_PORT, Settings
from cove.core.errors import InvalidSetting
from cove.core.link import LinkPlace
from cove.core.ports import LinkDoor
from cove.gateway import Gateway, listen_on_loopback

if TYPE_CHECKING:
    from cove.app.tls import Tls

_BACKLOG = 4096
_log = structlog.get_logger("cove.app")


class Links:
    """The gateway's listening socket, to be closed by `close`, and what follows from it.

    Without a choice the port is that of the last start, so that links stay what they were; else the usual one, or any.
    A chosen one that cannot be had raises InvalidSetting. Where the kernel lets only root listen on one device, there
    are no links, and a line in the log. With `tls` links begin with https://; on loopback addresses, where no public
    authority certifies anything, only if it can do so.
    """

    def __init__(self, settings: Settings, data: DataDir, tls: "Tls | None" = None) -> None:
        serves_tls = tls is not None and (tls.serves_loopback or bool(settings.link_url))
        self._certify = tls.certify_link if tls and serves_tls else None
        self._settings, self._log = settings, data.log.with_name("gateway.log")
        self._listener = _listener(settings, data.root / "link_port")

    @property
    def place(self) -> LinkPlace | None:
        """What the server must know to make links."""
        if self._listener is None:
            return None
        port = self._listener.getsockname()[1]
        return LinkPlace(port=port, wildcard=self._settings.link_url, is_secure=self._certify is not None)

    @contextlib.asynccontextmanager
    async def beside(self, door: LinkDoor) -> AsyncIterator[None]:
        """The gateway, for as long as the server serves."""
        if self._listener is None:
            yield
            return
        with self._log.open("ab") as log:
            gateway = Gateway(
                door, self._listener, wildcard=self._settings.link_url, log_fd=log.fileno(), certify=self._certify
            )
            await gateway.start()
            try:
                yield
            finally:
                await gateway.stop()

    def close(self) -> None:
        """Take no connections any more."""
        if self._listener is not None:
            self._listener.close()


def _listener(settings: Settings, last: Path) -> socket.socket | None:
    listen = _listen_on(settings.host) if settings.link_url else listen_on_loopback
    if settings.link_port != DEFAULT_LINK_PORT:
        return _open(listen, settings.link_port)
    for port in (_read_port(last), DEFAULT_LINK_PORT, 0):
        with contextlib.suppress(InvalidSetting):
            listener = _open(listen, port)
            if listener is not None:
                last.write_text(str(listener.getsockname()[1]))
            return listener
    return None


def _open(listen: Callable[[int], socket.socket], port: int) -> socket.socket | None:
    try:
        return listen(port)
    except PermissionError:
        if 0 < port < 1024:
            raise InvalidSetting(
                name="link_port", value=port, remedy="only root may listen on a port below 1024"
            ) from None
        _log.warning("no links: this kernel lets only root listen on one device")
        return None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            remedy = "something listens there; choose another with --link-port"
            raise InvalidSetting(name="link_port", value=port, remedy=remedy) from error
        raise InvalidSetting(name="link_port", value=port, remedy=os.strerror(error.errno or 0)) from error


def _listen_on(host: str) -> Callable[[int], socket.socket]:
    """For a proxy in front, which may run on another machine: the address that the API listens on."""

    def listen(port: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)

    return listen


def _read_port(last: Path) -> int:
    text = last.read_text().strip() if last.is_file() else ""
    return int(text) if text.isdigit() and 0 < int(text) < 65536 else DEFAULT_LINK_PORT
