"""A whole Cove in one process, with simulated sandboxes: for our tests, and for those of code that uses Cove.

A simulated sandbox runs the real tools in a directory of its own. It isolates nothing: commands run on this machine, as
this user. Give it only what you would run yourself.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cove.testing.cove import Clock, Cove, running_cove
    from cove.testing.driver import SimulatedDriver

__all__ = ["Clock", "Cove", "SimulatedDriver", "running_cove"]


def __getattr__(name: str) -> Any:
    # Lazily: pytest loads the plugin beside this in every run, also in those that use no Cove.
    if name == "SimulatedDriver":
        from cove.testing.driver import SimulatedDriver

        return SimulatedDriver
    if name in __all__:
        from cove.testing import cove

        return getattr(cove, name)
    raise AttributeError(name)
