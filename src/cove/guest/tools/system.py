"""The system family: environment variables and metrics."""

from typing import Annotated

import msgspec
from msgspec import Meta

from cove.core.results import Metrics, Variables
from cove.core.tool import AnsweredBy
from cove.guest.commands import shell_path
from cove.guest.failures import failed
from cove.guest.run import Run
from cove.guest.toolkit import tool
from cove.guest.variables import environment


class Variable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One variable to set."""

    key: str
    value: str


@tool(server="wuying_system", example={"envs": [{"key": "GREETING", "value": "hello"}]})
def set_env(
    run: Run,
    *,
    envs: Annotated[list[Variable], Meta(description="the variables to set")],
) -> Variables:
    """Set environment variables for all commands to come."""
    values = {variable.key: variable.value for variable in envs}
    run.variables.update(values)
    return Variables(variables=values)


@tool(server="wuying_system", example={"keys": ["HOME", "GREETING"]})
def get_env(
    run: Run,
    *,
    keys: Annotated[list[str] | None, Meta(description="the names to look up; all by default")] = None,
) -> Variables:
    """Give the environment variables that a command would have; those that are not set are left out."""
    values = environment(run.settings, "wuying", shell_path()) | run.variables.values()
    return Variables(variables=values if not keys else {key: values[key] for key in keys if key in values})


@tool(server="wuying_system", example={}, answered_by=AnsweredBy.NODE)
def get_metrics(run: Run) -> Metrics:
    """Measure the session's use of processors, memory, disk and network, from outside the sandbox."""
    raise failed("NotSupported", "metrics are measured from outside the sandbox, not by its guest")
