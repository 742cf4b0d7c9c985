"""Certificates: an authority that may vouch for this Cove's names and nobody else's, and what it vouches for. Pure."""

import datetime
import ipaddress
from collections.abc import Iterable

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_DAYS, RENEWED_DAYS = 3650, 365
"""How long an authority lives, and how much of it must be left at a start; else there is a new one."""
CERTIFICATE_DAYS = 30
"""Of a server's certificate, which is made anew every day."""
_SKEW = datetime.timedelta(days=1)
"""Clients whose clock is behind find a certificate valid, too."""
_NEAR = tuple(
    ipaddress.ip_network(each)
    for each in (
        *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"),
        *("::1/128", "fc00::/7", "fe80::/10"),
    )
)
"""Addresses for which any authority of ours may vouch: they mean something on this machine and its networks only."""
LOCAL_NAME = "localhost"
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Pair(msgspec.Struct, frozen=True):
    """A certificate, with those between it and the authority, and its private key; both as PEM."""

    certificate: str
    key: str

    @property
    def first(self) -> x509.Certificate:
        """The certificate itself; raises ValueError for what is none."""
        return x509.load_pem_x509_certificates(self.certificate.encode())[0]


def make_authority(names: Iterable[str], now: datetime.datetime) -> Pair:
    """An authority for these host names and addresses, those of this machine's networks, and no others.

    Whoever steals its key cannot pass for anybody else's site, as far as clients heed name constraints; all do that
    are known.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Cove local authority")])
    uses = _uses(key_cert_sign=True, crl_sign=True)
    built = (
        _builder(subject, subject, key.public_key(), now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(uses, critical=True)
        .add_extension(_constraints(names), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return Pair(_pem(built.sign(key, hashes.SHA256())), _key_pem(key))


def issue(authority: Pair, key: str, names: Iterable[str], now: datetime.datetime) -> Pair:
    """A server's certificate for these names and addresses; `key` is the server's own."""
    signer = _load_key(authority.key)
    public = _load_key(key).public_key()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Cove")])  # a name with dots would be a host's
    above = authority.first
    built = (
        _builder(subject, above.subject, public, now, CERTIFICATE_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_uses(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(_general(names)), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    return Pair(_pem(built.sign(signer, hashes.SHA256())), key)


def make_key() -> str:
    """A server's private key, as PEM."""
    return _key_pem(ec.generate_private_key(ec.SECP256R1()))


def vouches(authority: Pair, names: Iterable[str], now: datetime.datetime) -> bool:
    """Whether it lives long enough, and may vouch for all of these; raises ValueError for what is no authority."""
    certificate = authority.first
    if certificate.public_key() != _load_key(authority.key).public_key():
        raise ValueError("its key belongs to another certificate")
    try:
        found = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound as error:
        raise ValueError("it may vouch for every name there is") from error
    if certificate.not_valid_after_utc - now < datetime.timedelta(days=RENEWED_DAYS):
        return False
    permitted = found.permitted_subtrees or []
    domains = [each.value for each in permitted if isinstance(each, x509.DNSName)]
    networks = [each.value for each in permitted if isinstance(each.value, Network)]
    return all(_is_permitted(name, domains, networks) for name in names)


def names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """The host names and addresses that a certificate is for."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    names = found.get_values_for_type(x509.DNSName)
    return (*names, *map(str, found.get_values_for_type(x509.IPAddress)))


def address_in(name: str) -> Address | None:
    """The address that a name is, if it is one."""
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def fits(pair: Pair) -> bool:
    """Whether the key is the certificate's; raises ValueError for what cannot be read."""
    return pair.first.public_key() == serialization.load_pem_private_key(pair.key.encode(), None).public_key()


def _is_permitted(name: str, domains: list[str], networks: list[Network]) -> bool:
    address = address_in(name)
    if address is not None:
        return any(address in network for network in networks if network.version == address.version)
    bare = name.removeprefix("*.")
    return any(bare == domain or bare.endswith(f".{domain}") for domain in domains)


def _constraints(names: Iterable[str]) -> x509.NameConstraints:
    domains, networks = {LOCAL_NAME: None}, dict.fromkeys(_NEAR)
    for name in names:
        address = address_in(name)
        if address is None:
            domains[name.removeprefix("*.")] = None
        elif not any(address in network for network in _NEAR if network.version == address.version):
            networks[ipaddress.ip_network(address)] = None
    permitted = [*map(x509.DNSName, domains), *map(x509.IPAddress, networks)]
    return x509.NameConstraints(permitted, None)


def _general(names: Iterable[str]) -> list[x509.GeneralName]:
    found = ((name, address_in(name)) for name in dict.fromkeys(names))
    return [x509.DNSName(name) if address is None else x509.IPAddress(address) for name, address in found]


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime.datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _uses(*, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _load_key(pem: str) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(pem.encode(), None)
    except TypeError as error:  # what cryptography raises for a key that wants a password
        raise ValueError("its key is encrypted") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("its key is of another kind")
    return key


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
