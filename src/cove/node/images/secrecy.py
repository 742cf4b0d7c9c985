"""What must never reach a session: which names, which contents, and how a credential is cut out of a URL. Pure."""

import re
from fnmatch import translate
from functools import cache

DENIED_IN_ETC = (
    # who may log in, and with what
    *("shadow*", "gshadow*", "passwd*", "group*", "subuid*", "subgid*", "sudoers*", "security/opasswd", "doas.conf"),
    *("ssh", "ssl/private", "pki/*/private", "krb5.keytab", "krb5kdc", "sssd", "samba", "openldap", "ipa"),
    # what this machine is, where it is connected, and what it mounts
    *("machine-id", "hostname", "hosts", "resolv.conf", "fstab*", "crypttab", "exports", "auto.*", "mtab", "hosts.*"),
    *("NetworkManager", "network", "netplan", "wpa_supplicant", "wireguard", "openvpn", "ipsec*", "strongswan*", "ppp"),
    *("iscsi", "nvme", "lvm", "multipath*", "mdadm", "zfs", "ufw", "nftables.conf", "iptables", "firewalld", "rsyncd*"),
    # what runs on it
    *("cron*", "at.*", "anacrontab", "docker", "containerd", "containers", "cni", "kubernetes", "rancher", "nomad*"),
    *("letsencrypt", "acme*", "vault*", "consul*", "chef", "puppet*", "salt", "ansible", "cloud", "waagent.conf"),
    *("systemd/credstore*", "systemd/network", "postfix", "exim4", "mail", "msmtprc", "fetchmailrc", "aliases*"),
    *("mysql/debian.cnf", "postgresql", "redis", "rabbitmq", "mongod*", "grafana", "prometheus", "cove"),
    # credentials of clients; the package managers' own configuration is rendered anew
    *("apt/auth.conf*", "apt/apt.conf.d/*auth*", "pip.conf", "xdg/pip", "npmrc", "environment", "gitconfig"),
    *("aws", "boto.cfg", "gcloud", "azure", "s3cfg", "git-credentials", "cifs*", "*.smbcredentials", "davfs2"),
)
"""Patterns of paths below /etc, each with everything beneath it."""

DENIED_NAMES = (
    *("*.key", "*.keytab", "*.p12", "*.pfx", "*.jks", "*.kdbx", "*.pgpass", "id_rsa*", "id_dsa*", "id_ecdsa*"),
    *(
        "id_ed25519*",
        "*auth.conf*",
        "*netrc*",
        "*npmrc",
        "*pypirc",
        "*.git-credentials",
        "*htpasswd*",
        ".env",
        ".env.*",
    ),
    *("*secret*", "*credential*", "*token*", "*sasl_passwd*", "*.dpkg-old", "*.dpkg-dist", "*.ucf-*", "*~", "*.bak"),
)
"""Patterns of file names, wherever the file lies."""

SECRET_NAMES_IN_USR = (
    *("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "*.keytab", "*.p12", "*.pfx", "*.kdbx"),
    *(".netrc", ".npmrc", ".pypirc", ".pgpass", ".git-credentials", ".env"),
)
"""Patterns of file names under /usr that are hidden unread: packages do not ship them."""

_SECRET_CONTENT = re.compile(
    rb"-----BEGIN [A-Z ]*PRIVATE KEY-----|_authToken\s*=|:_password\s*=|extraheader\s*=|"
    rb"^[ \t]*(?:export[ \t]+)?[A-Z0-9_]*(?:TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|CREDENTIALS?)[A-Z0-9_]*="
    rb"[\"']?[^\s\"'#]",
    re.MULTILINE,
)
_URL_CREDENTIAL = re.compile(r"(?<=://)[^/\s\"'<>@]+@(?=[^\s/])")
_URL_CREDENTIAL_BYTES = re.compile(_URL_CREDENTIAL.pattern.encode())


@cache
def any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """One expression for all of them, for `match`: tried one by one, they are most of a first start's time."""
    return re.compile("|".join(map(translate, patterns)))


def is_denied(relative: str) -> bool:
    """Whether a path, relative to /etc, is one that sessions never get.

    >>> is_denied("ssh/ssh_config.d/10.conf"), is_denied("apt/auth.conf.d/x.conf"), is_denied("pam.d/su")
    (True, True, False)
    """
    parts = relative.split("/")
    prefixes = ["/".join(parts[: count + 1]) for count in range(len(parts))]
    if any(any_of(DENIED_IN_ETC).match(prefix) for prefix in prefixes):
        return True
    return any(any_of(DENIED_NAMES).match(part.lower()) for part in parts)


def looks_secret(content: bytes) -> bool:
    """Whether a file's bytes hold a private key, a token, or a variable named like a password."""
    return _SECRET_CONTENT.search(content) is not None


def without_credentials(text: str) -> str:
    """The text with `user:password@` cut out of each URL.

    >>> without_credentials("deb https://me:pw@mirror.example/debian stable main")
    'deb https://mirror.example/debian stable main'
    """
    return _URL_CREDENTIAL.sub("", text)


def bytes_without_credentials(content: bytes) -> bytes:
    """The same for bytes, whatever else they hold."""
    return _URL_CREDENTIAL_BYTES.sub(b"", content)
