"""Every attack of the table comes to nothing behind its wall, and succeeds where the wall is not."""

from collections.abc import Callable

import pytest

from .attacks import ATTACKS, HOST, Attack
from .conftest import Loot
from .running import Inside, Running, on_host

pytestmark = pytest.mark.isolation
each_attack = pytest.mark.parametrize(
    "attack", [pytest.param(attack, marks=pytest.mark.claim(attack.claim)) for attack in ATTACKS], ids=lambda a: a.name
)


@each_attack
def test_attack_fails(attack: Attack, walled: Inside, loot: Loot) -> None:
    verdict = walled.attack(attack.does, *told(attack.arguments, loot, walled.running), user=attack.user)
    assert not verdict.breached, verdict.told


@each_attack
def test_attack_succeeds_without_its_wall(
    attack: Attack, breaches: Callable[[str], Inside], cove: Running, loot: Loot
) -> None:
    if attack.control == HOST:
        arguments = attack.arguments if attack.on_host is None else attack.on_host
        verdict = on_host(attack.does, *told(arguments, loot, cove))
    else:
        inside = breaches(attack.control)
        verdict = inside.attack(attack.does, *told(attack.arguments, loot, inside.running), user=attack.user)
    assert verdict.breached, verdict.told


def told(arguments: tuple[str, ...], loot: Loot, running: Running) -> list[str]:
    """The arguments, with the facts of this host in them."""
    facts = loot.facts(running)
    return [word for argument in arguments for word in argument.format_map(facts).split()]
