"""Environment variables of a session."""

# Generated from _async/env.py by dev/generate.py: change that, then run `python dev/generate.py`.

from cove.core.errors import InvalidInput
from cove.core.results import Variables
from cove.sdk._sync.calls import ToolCalls
from cove.sdk._wire.messages import Nothing
from cove.sdk.results import BoolResult, EnvResult


class Env:
    """Variables that every later command of the session sees."""

    def __init__(self, calls: ToolCalls) -> None:
        self._calls = calls

    def set(self, envs: dict[str, str]) -> BoolResult:
        """Set variables; those set before stay."""
        if not isinstance(envs, dict):
            raise InvalidInput(name="envs", value=envs, remedy="give a dict from name to value")
        pairs = [{"key": name, "value": value} for name, value in envs.items()]
        answer = self._calls.typed("set_env", {"envs": pairs}, Nothing)
        return BoolResult(**answer.facts(), data=answer.error is None)

    def get(self, keys: list[str] | None = None) -> EnvResult:
        """The variables that a command has, or of those the ones named; a name that is not set is left out."""
        answer = self._calls.typed("get_env", {"keys": keys}, Variables)
        envs = {} if answer.error is not None else answer.get().variables
        return EnvResult(**answer.facts(), envs=envs)
