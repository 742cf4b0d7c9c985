"""The operator's own certificate: read at the start and again whenever its files change, and never used unchecked."""

import contextlib
import datetime
import ssl
from collections.abc import Callable
from pathlib import Path

import structlog

from cove.app.certificates import Pair, fits, names_of
from cove.app.data import DataDir
from cove.app.trust import Trust, trust_files
from cove.core.errors import CoveError, InvalidSetting
from cove.gateway import context_of

_WARNED_DAYS = 14
Clock = Callable[[], datetime.datetime]
_log = structlog.get_logger("cove.app")


class OwnCertificate:
    """The operator's files, read again when they change; a change that cannot be used is logged, and not used."""

    serves_loopback = False

    def __init__(self, certificate: Path, key: Path, data: DataDir, now: Clock) -> None:
        self.trust: Trust | None = None
        self._files = certificate, key
        self._now = now
        self._seen = _states(self._files)
        self._pem = self._read()
        names = names_of(Pair(self._pem, "").first)
        self.name = next((name for name in names if not name.startswith("*.")), "")
        for stale in trust_files(data.tls):
            stale.unlink(missing_ok=True)

    async def certify(self, address: str) -> str:
        """The same for every address."""
        states = _states(self._files)
        if states != self._seen:
            self._seen = states
            try:
                self._pem = self._read()
                _log.info("certificate read anew", certificate=str(self._files[0]))
            except CoveError as error:
                _log.warning("the new certificate cannot be used; the old one is", reason=str(error))
        return self._pem

    async def certify_link(self, address: str) -> str:
        """The operator's only one, too."""
        return await self.certify(address)

    def _read(self) -> str:
        certificate, key = self._files
        pair = Pair(_text("tls_cert", certificate), _text("tls_key", key))
        _check_certificate(pair, certificate, self._now())
        _check_key(pair, certificate, key)
        return f"{pair.certificate.rstrip()}\n{pair.key}"


def _states(files: tuple[Path, Path]) -> list[tuple[int, int, int]]:
    """What tells a changed file; a missing one is a change, too."""
    states = []
    for file in files:
        with contextlib.suppress(OSError):
            found = file.stat()
            states.append((found.st_ino, found.st_mtime_ns, found.st_size))
    return states


def _text(name: str, path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError as error:
        raise InvalidSetting(name=name, value=str(path), remedy=f"it cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidSetting(name=name, value=str(path), remedy="give a file in PEM: text, not DER") from error


def _check_certificate(pair: Pair, path: Path, now: datetime.datetime) -> None:
    try:
        found = pair.first
    except ValueError as error:
        remedy = "it holds no certificate in PEM: give the full chain, your own certificate first"
        raise InvalidSetting(name="tls_cert", value=str(path), remedy=remedy) from error
    ends, begins = found.not_valid_after_utc, found.not_valid_before_utc
    if ends <= now:
        raise InvalidSetting(name="tls_cert", value=str(path), remedy=f"it expired on {ends:%Y-%m-%d}; renew it")
    if not names_of(found):
        remedy = "it is for no name: clients want host names as its subjectAltName"
        raise InvalidSetting(name="tls_cert", value=str(path), remedy=remedy)
    if begins > now:
        remedy = f"it is valid from {begins:%Y-%m-%d %H:%M} UTC on; look at this machine's clock"
        raise InvalidSetting(name="tls_cert", value=str(path), remedy=remedy)
    if ends - now < datetime.timedelta(days=_WARNED_DAYS):
        _log.warning("the certificate expires soon", certificate=str(path), on=f"{ends:%Y-%m-%d}")


def _check_key(pair: Pair, certificate: Path, key: Path) -> None:
    try:
        is_its_own = fits(pair)
    except TypeError as error:  # what cryptography raises for a key that wants a password
        remedy = "it is encrypted; give one that is not, as `openssl pkey -in KEY -out PLAIN` makes it"
        raise InvalidSetting(name="tls_key", value=str(key), remedy=remedy) from error
    except ValueError as error:
        raise InvalidSetting(name="tls_key", value=str(key), remedy="it holds no private key in PEM") from error
    if not is_its_own:
        remedy = f"it is not the key of {certificate}; the certificate must come first in that file"
        raise InvalidSetting(name="tls_key", value=str(key), remedy=remedy)
    try:
        context_of(pair.certificate.rstrip() + "\n" + pair.key)
    except ssl.SSLError as error:
        raise InvalidSetting(name="tls_cert", value=str(certificate), remedy=f"OpenSSL says: {error.reason}") from error
