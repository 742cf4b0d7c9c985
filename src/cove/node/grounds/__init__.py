"""Who we are on this machine, and so how sandboxes are made."""

from cove.node.ground import Ground
from cove.node.grounds.root import RootGround
from cove.node.launcher.lock_down import CONTROLS
from cove.node.settings import NodeSettings

__all__ = ["own_ground"]


def own_ground(settings: NodeSettings, controls: tuple[str, ...] = CONTROLS) -> Ground:
    """The ground for whoever runs this process; `controls` is for attack tests, which switch one wall off at a time."""
    return RootGround(settings, controls)
