"""What `cove up --tls` shakes hands with: an authority's certificates, or the operator's own."""

import datetime
from collections.abc import Callable
from typing import Protocol

from cove.app.authority import LocalAuthority
from cove.app.data import DataDir
from cove.app.own_certificate import OwnCertificate
from cove.app.settings import Settings
from cove.app.trust import Trust

Clock = Callable[[], datetime.datetime]


def utc_now() -> datetime.datetime:
    """The time."""
    return datetime.datetime.now(datetime.UTC)


class Tls(Protocol):
    """Where certificates come from."""

    trust: Trust | None
    """What clients must be told; nothing where a public authority signed."""
    serves_loopback: bool
    """Whether links on loopback addresses are certified, too."""
    name: str
    """The host name by which clients elsewhere should call; may be empty."""

    async def certify(self, address: str) -> str:
        """Certificates and key, as PEM, for connections that came to this address."""

    async def certify_link(self, address: str) -> str:
        """The same for the gateway, which strangers and sessions talk to: as little as serves links."""


def tls_of(settings: Settings, data: DataDir, now: Clock = utc_now) -> Tls | None:
    """What the settings ask for; None for plain HTTP. Raises InvalidSetting for a certificate that cannot be used."""
    if not settings.tls:
        return None
    if settings.tls_cert is not None and settings.tls_key is not None:
        return OwnCertificate(settings.tls_cert, settings.tls_key, data, now)
    return LocalAuthority(settings, data, now)
