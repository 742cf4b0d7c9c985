"""What sandboxes are made from: the `host` image, and the registries that this machine's configuration names."""

from cove.node.images.hidden import hidden_paths
from cove.node.images.skeleton import Skeleton, build_skeleton

__all__ = ["Skeleton", "build_skeleton", "hidden_paths"]
