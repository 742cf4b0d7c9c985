"""An attack as words for the probe, and a hand in a session that makes it."""

import shlex
from pathlib import Path

import msgspec
from tests.egress.internet import ANOTHER, EVERYWHERE, LOOPBACK, OWN, OWN_IPV6, OWN_PUBLIC, PUBLIC, PUBLIC_IPV6

import cove

PROBE = Path(__file__).with_name("probe.py").read_text()
PROBE_MS = 120_000
LASTING = cove.CreateSessionParams(max_lifetime=86400, idle_release_timeout=86400)
"""Of sessions that serve many tests, and may lie unused between two of them."""
GRANTED = (
    "169.254.169.254", "100.100.100.200", "168.63.129.16", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
    "100.64.0.0/10", f"{OWN}:{EVERYWHERE}", f"{OWN_PUBLIC}:{EVERYWHERE}", f"127.0.0.1:{LOOPBACK}", "169.254.7.7",
    f"[{OWN_IPV6}]:{EVERYWHERE}", "[fe80::7]", "fd00::/8", "192.0.2.0/24",
)  # fmt: skip
"""What the generous operator opens: each of the places that the attacks are after."""
NAMES = {
    "metadata_test": ["169.254.169.254"], "private_test": ["10.0.0.1"], "own_test": [OWN],
    "own-public_test": [OWN_PUBLIC],
    "own-ipv6_test": [OWN_IPV6], "unique-local_test": ["fd12::1"], "mapped_test": ["::ffff:10.0.0.1"],
    "nat64_test": ["64:ff9b::a00:1"], "six-to-four_test": ["2002:a00:1::1"], "mixed_test": ["10.0.0.1", PUBLIC],
    "public_test": [PUBLIC], "ipv6_test": [PUBLIC_IPV6], "allowed_test": [PUBLIC], "evil_test": [ANOTHER],
    "loopback-by-dns_test": ["127.0.0.1"],
}  # fmt: skip


class Attack(msgspec.Struct, frozen=True):
    """Words for the probe, and what it says when it got through."""

    kind: str
    host: str
    port: int
    text: str = ""
    prize: str = "hello"
    user: str = "wuying"


class Inside:
    """A session, and a hand in it."""

    def __init__(self, session: cove.Session) -> None:
        self.session = session

    def make(self, attack: Attack) -> str:
        """What came of it."""
        words = shlex.join([attack.kind, attack.host, str(attack.port), attack.text])
        done = self.session.command.execute_command(f"python3 - {words}", PROBE_MS, stdin=PROBE, user=attack.user)
        return done.unwrap().strip()

    def try_out(self, kind: str, host: str, port: int, text: str = "", user: str = "wuying") -> str:
        """The same, of words."""
        return self.make(Attack(kind, host, port, text, user=user))
