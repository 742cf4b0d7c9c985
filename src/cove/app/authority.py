"""Certificates of this Cove's own making, by an authority that its data directory keeps."""

import datetime
import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from cove.app.certificates import LOCAL_NAME, Pair, issue, make_authority, make_key, vouches
from cove.app.data import DataDir
from cove.app.settings import Settings
from cove.app.trust import Trust, publish, write_whole
from cove.core.errors import InvalidSetting
from cove.core.link import is_link_address

_KEPT = 4096
_NO_LINK = f"links.{LOCAL_NAME}"
"""What a certificate of links is for where no link has a name."""
_ANEW = datetime.timedelta(days=1)
"""How old a certificate becomes before the next connection gets a new one."""
_BEGIN = "-----BEGIN CERTIFICATE-----"
Clock = Callable[[], datetime.datetime]
_log = structlog.get_logger("cove.app")


class LocalAuthority:
    """Certificates of its own making, one for each address, valid for a month and made anew every day.

    Only the authority is kept, in `tls/authority.pem`, for its owner alone; `tls/ca.pem` is what clients get.
    """

    serves_loopback = True

    def __init__(self, settings: Settings, data: DataDir, now: Clock) -> None:
        names = _names(settings)
        self.name = settings.tls_name[0].removeprefix("*.") if settings.tls_name else ""
        with data.usable():
            data.tls.mkdir(exist_ok=True, mode=0o755)
            authority, is_new = _authority(data.tls / "authority.pem", names, now())
            self.trust: Trust | None = publish(data.tls, authority.certificate, is_new=is_new)
        self._own = _Issuer(authority, names, now)
        self._links = _Issuer(authority, (_host(settings.link_url) or _NO_LINK,), now)

    async def certify(self, address: str) -> str:
        """A certificate for this address and every name."""
        return self._own.certify(_bare(address))

    async def certify_link(self, address: str) -> str:
        """A certificate with a key of its own, for links' names and addresses alone."""
        bare = _bare(address)
        return self._links.certify(bare if is_link_address(bare) else "")


class _Issuer:
    """Makes certificates for some names, and with them one address each, by a key that no other issuer has."""

    def __init__(self, authority: Pair, names: tuple[str, ...], now: Clock) -> None:
        self._authority, self._names, self._now = authority, names, now
        self._key = make_key()
        self._made: OrderedDict[str, tuple[datetime.datetime, str]] = OrderedDict()

    def certify(self, address: str) -> str:
        """The certificate and its key; `address` may be empty."""
        now = self._now()
        made_at, pem = self._made.get(address, (None, ""))
        if made_at is None or now - made_at > _ANEW:
            pem = self._issue(address, now)
            self._made[address] = now, pem
            if len(self._made) > _KEPT:
                self._made.popitem(last=False)
        return pem

    def _issue(self, address: str, now: datetime.datetime) -> str:
        may_have = address and vouches(self._authority, [address], now)
        pair = issue(self._authority, self._key, [*self._names, address] if may_have else self._names, now)
        return pair.certificate + pair.key


def _names(settings: Settings) -> tuple[str, ...]:
    """What every certificate is for."""
    hosts = map(_host, (settings.public_url, settings.link_url))
    return tuple(dict.fromkeys((LOCAL_NAME, *settings.tls_name, *filter(None, hosts))))


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _bare(address: str) -> str:
    """Without a zone, and an IPv4 address as itself."""
    found = ipaddress.ip_address(address.partition("%")[0])
    return str(getattr(found, "ipv4_mapped", None) or found)


def _authority(path: Path, names: tuple[str, ...], now: datetime.datetime) -> tuple[Pair, bool]:
    """The authority of the last start, or a new one where that may not vouch for all names, or not for long."""
    has_old = path.exists()
    if has_old:
        found = _read_authority(path)
        try:
            if vouches(found, names, now):
                return found, False
        except ValueError as error:
            raise _no_authority(path, str(error)) from error
    made = make_authority(names, now)
    write_whole(path, made.key + made.certificate, 0o600)
    if has_old:
        _log.warning("a new authority", reason="the old one expires, or may not vouch for every name")
    return made, has_old


def _read_authority(path: Path) -> Pair:
    key, mark, certificate = path.read_text(encoding="ascii", errors="replace").partition(_BEGIN)
    if not mark or "PRIVATE KEY" not in key:
        raise _no_authority(path, "it is not whole")
    return Pair(mark + certificate, key)


def _no_authority(path: Path, problem: str) -> InvalidSetting:
    remedy = f"{path} is no authority: {problem}; restore it, or delete it and give clients the new ca.pem"
    return InvalidSetting(name="data", value=str(path.parent.parent), remedy=remedy)
