"""Whom a client believes that it is the server: the system's authorities, or those of SSL_CERT_FILE, and COVE_CA's.

Nothing of TLS is loaded before it is spoken.
"""

from typing import TYPE_CHECKING

from cove.core.errors import InvalidSetting, ServerNotTrusted, ServerUnreachable, TransportFailed

if TYPE_CHECKING:
    import ssl

    from cove.sdk._settings import ClientSettings

_NOT_TRUSTED = "let COVE_CA name the ca.pem that `cove up --tls` tells"
_OTHER_NAME = "call the server by a name that its certificate has, or start it with `--tls-name` and this one"
_NAMED_OTHERWISE = (62, 64)
"""OpenSSL's numbers for another host name (X509_V_ERR_HOSTNAME_MISMATCH), and for another address."""


def trusting(settings: "ClientSettings") -> "ssl.SSLContext":
    """The client's end of TLS; raises InvalidSetting for a file that holds no authority."""
    import ssl

    import httpx2

    try:
        context = httpx2.create_ssl_context()
    except OSError as error:  # an SSLError is one
        remedy = f"the authorities that this names cannot be read: {error.strerror or error}"
        raise InvalidSetting(name="SSL_CERT_FILE", value="…", remedy=remedy) from error
    if settings.ca:
        try:
            context.load_verify_locations(settings.ca)
        except ssl.SSLError as error:
            remedy = "it holds no certificate in PEM; name the ca.pem that `cove up --tls` tells"
            raise InvalidSetting(name="COVE_CA", value=settings.ca, remedy=remedy) from error
        except OSError as error:
            remedy = (
                f"it cannot be read ({error.strerror}); copy the ca.pem that `cove up --tls` tells to where you may"
            )
            raise InvalidSetting(name="COVE_CA", value=settings.ca, remedy=remedy) from error
    return context


def unreachable(endpoint: str, error: BaseException) -> TransportFailed:
    """What to tell where no connection was made: ServerNotTrusted where the certificate is the reason."""
    import ssl

    found: BaseException | None = error
    while found is not None and not isinstance(found, ssl.SSLCertVerificationError):
        found = found.__cause__ or found.__context__
    if found is None:
        return ServerUnreachable(endpoint=endpoint, reason=str(error).strip() or type(error).__name__)
    remedy = _OTHER_NAME if found.verify_code in _NAMED_OTHERWISE else _NOT_TRUSTED
    return ServerNotTrusted(endpoint=endpoint, reason=found.verify_message.rstrip("."), remedy=remedy)
