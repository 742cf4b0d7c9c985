"""The log's line for each refusal of the native API: what was asked, by its route, and why not.

Neither path nor query is told as it came: in a route that does not exist may stand whatever somebody pasted.
"""

from typing import Any

import structlog

from cove.core.errors import CoveError

_NO_ROUTE = "no route"
log = structlog.get_logger("cove.server")


def log_refusal(scope: Any, error: CoveError, status: int | None = None) -> None:
    """Note it once, for whoever answers; `status` where there is one to answer with."""
    method = scope.get("method", "websocket")
    told = {} if status is None else {"status": status}
    log.info("refused", dialect="native", asks=f"{method} {_route(scope)}", error=error.code, **told)


def _route(scope: Any) -> str:
    return scope.get("path_template") or _NO_ROUTE
