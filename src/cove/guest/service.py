"""The guest as an object: it knows the tools and runs them. Whoever listens on a socket stands elsewhere."""

import itertools
from typing import Any

from cove.core.errors import InvalidInput, ToolNotFound
from cove.core.tool import Outcome, Tool
from cove.guest.answers import Answer, answer_of
from cove.guest.baselines import Baselines
from cove.guest.calls import Calls
from cove.guest.cancel import Cancel
from cove.guest.keeper import Keeper
from cove.guest.run import Run
from cove.guest.settings import GuestSettings
from cove.guest.terminals import Terminals
from cove.guest.toolkit import ToolFunction
from cove.guest.tools import catalogue, tool_functions
from cove.guest.variables import VariableStore
from cove.guest.watches import Watches
from cove.guest.workers import run_as_user

_MOST_ID = 256


class Guest:
    """The tools of one sandbox. Every method may be called from several threads at once, and blocks."""

    def __init__(self, settings: GuestSettings) -> None:
        self.settings = settings
        self._calls = Calls()
        self._variables = VariableStore(settings.state)
        self._baselines = Baselines()
        self._keeper = Keeper(settings.keeper_fd)
        self.terminals = Terminals(settings, self._variables)
        self.watches = Watches(settings, self._baselines)
        self._numbers = itertools.count()

    def tools(self) -> tuple[Tool, ...]:
        """What can be called."""
        return catalogue()

    def call(self, name: str, arguments: dict[str, Any], call_id: str | None = None) -> Outcome:
        """Run a tool; the same call id again gives the first call's outcome, and waits for it if need be.

        Raises ToolNotFound, InvalidToolArguments, and InvalidInput for a call id that is none.
        """
        return self.answer(name, arguments, call_id).outcome()

    def cancel(self, call_id: str) -> bool:
        """End a call that runs, with the process group it started; False if none has this id."""
        return self._calls.cancel(call_id)

    def answer(self, name: str, arguments: Any, call_id: str | None = None) -> Answer:
        """Like `call`, with the outcome as JSON bytes."""
        function = tool_functions().get(name)
        if function is None:
            raise ToolNotFound(tool=name[:80], image_id="of this session")
        checked = function.check(arguments)
        if call_id is not None and not 0 < len(call_id) <= _MOST_ID:
            raise InvalidInput(name="call_id", value=call_id[:80], remedy=f"give 1 to {_MOST_ID} characters")
        # NUL keeps the made ids apart from those of callers that use numbers themselves.
        return self._calls.run(
            call_id or f"\0{next(self._numbers)}", lambda cancel: self._run(function, checked, cancel)
        )

    def _run(self, function: ToolFunction[Any, Any], arguments: dict[str, Any], cancel: Cancel) -> Answer:
        run = Run(
            settings=self.settings,
            variables=self._variables,
            baselines=self._baselines,
            keeper=self._keeper,
            cancel=cancel,
        )
        for module in function.imports:
            __import__(module)
        if function.as_user:
            return run_as_user(self.settings, cancel, lambda: function(run, **arguments))
        return answer_of(lambda: function(run, **arguments))
