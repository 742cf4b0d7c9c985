"""How long a session may live, and how long it may lie unused."""

from cove.core.errors import InvalidInput

DEFAULT_IDLE = 300.0
"""Seconds without use after which a session is paused or released; AgentBay's default."""
DEFAULT_LIFETIME = 1800.0
"""Seconds from its creation after which a session ends, paused or not; AgentBay's default."""
LONGEST = 30 * 86400.0


def check_seconds(name: str, value: float) -> float:
    """Give `value` back if it is a usable number of seconds; raises InvalidInput."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= LONGEST:
        raise InvalidInput(name=name, value=value, remedy=f"give seconds, more than 0 and at most {LONGEST:.0f}")
    return float(value)
