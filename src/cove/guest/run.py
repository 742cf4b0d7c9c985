"""One run of a tool: what the function may use of its guest."""

import msgspec

from cove.guest.baselines import Baselines
from cove.guest.cancel import Cancel
from cove.guest.keeper import Keeper
from cove.guest.places import Place, place
from cove.guest.settings import GuestSettings
from cove.guest.variables import VariableStore


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """The settings and state of the guest, and the wish to cancel this call."""

    settings: GuestSettings
    variables: VariableStore
    baselines: Baselines
    keeper: Keeper
    cancel: Cancel

    def place(self, path: str) -> Place:
        """Where a path that the caller named is; raises ToolFailed InvalidPath."""
        return place(self.settings, path)
