"""Every claim is attacked, and every attack names a claim."""

import re
from pathlib import Path

from . import attacks
from .claims import CLAIMS


def attacking_files() -> list[Path]:
    here = Path(__file__).parent
    return [
        path
        for name in ("isolation", "egress", "gateway", "links", "compat/link")
        for path in (here.parent / name).glob("test_*.py")
    ]


def test_every_claim_is_attacked_and_every_attack_names_a_claim() -> None:
    sources = [path.read_text() for path in attacking_files()]
    marked = {name for source in sources for name in re.findall(r'mark\.claim\("([\w-]+)"\)', source)}
    assert marked | {attack.claim for attack in attacks.ATTACKS} == {claim.id for claim in CLAIMS}


def test_names_of_claims_and_attacks_are_unique() -> None:
    for names in ([claim.id for claim in CLAIMS], [attack.name for attack in attacks.ATTACKS]):
        assert len(names) == len(set(names))
