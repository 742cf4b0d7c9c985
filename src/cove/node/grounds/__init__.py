"""Who we are on this machine, and so how sandboxes are made: `root` or `ordinary`."""

import os

from cove.node.ground import Ground
from cove.node.launcher.lock_down import CONTROLS
from cove.node.settings import NodeSettings

__all__ = ["own_ground"]


def own_ground(settings: NodeSettings, controls: tuple[str, ...] = CONTROLS) -> Ground:
    """The ground for whoever runs this process; `controls` is for attack tests, which switch one wall off at a time."""
    if os.geteuid() == 0:
        from cove.node.grounds.root import RootGround

        return RootGround(settings, controls)
    from cove.node.grounds.ordinary import OrdinaryGround

    return OrdinaryGround(settings, controls)
