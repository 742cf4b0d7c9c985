"""All routes, their guard, their dependencies and their OpenAPI document, as one Litestar app."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme

from cove.core.errors import CoveError
from cove.core.version import __version__
from cove.server.http import about, keys, links, network, quotas, sessions, terminals, tools, usage
from cove.server.http.auth import authentication, caller_of
from cove.server.http.documents import Document
from cove.server.http.failures import answer_cove_error, answer_defect, answer_http_exception
from cove.server.http.sockets import remember
from cove.server.settings import ServerSettings

MAX_BODY_BYTES = 1024 * 1024
SERVED = (
    *("sandboxes", "calls", "links", "networks", "terminals", "watching", "key_chain", "quotas"),
    *("images", "driver", "view", "presence"),
)
"""What the lifespan puts into the app's state for the routes to ask for by name."""

_HANDLERS = [
    sessions.create_session,
    sessions.list_sessions,
    sessions.get_session,
    sessions.delete_session,
    sessions.get_labels,
    sessions.set_labels,
    sessions.pause_session,
    sessions.resume_session,
    sessions.keep_alive,
    sessions.get_metrics,
    usage.get_usage,
    network.get_network,
    network.set_network,
    network.get_connections,
    links.create_link,
    links.list_links,
    links.revoke_link,
    links.revoke_links,
    terminals.show_terminal,
    terminals.list_terminals,
    terminals.kill_terminal,
    tools.list_session_tools,
    tools.call_tool,
    tools.cancel_call,
    tools.list_images,
    tools.list_image_tools,
    keys.list_keys,
    keys.create_key,
    keys.rotate_key,
    keys.revoke_key,
    quotas.list_quotas,
    quotas.set_quota,
    quotas.clear_quota,
]


def build_routes(
    lifespan: Callable[[Litestar], AbstractAsyncContextManager[None]], settings: ServerSettings
) -> Litestar:
    """The app; everything under /v1 but its document needs a caller."""
    v1 = Router("/v1", guards=[authentication(settings)], route_handlers=list(_HANDLERS), security=[{"key": []}])
    return Litestar(
        route_handlers=[about.health, about.capabilities, v1],
        lifespan=[lifespan],
        dependencies={
            **{name: Provide(_served(name), sync_to_thread=False) for name in SERVED},
            "caller": Provide(caller_of, sync_to_thread=False),
        },
        exception_handlers={
            CoveError: answer_cove_error,
            HTTPException: answer_http_exception,
            Exception: answer_defect,
        },
        after_exception=[remember],
        openapi_config=_document(),
        request_max_body_size=MAX_BODY_BYTES,
        logging_config=None,
    )


def _served(name: str) -> Callable[[State], Any]:
    def give(state: State) -> Any:
        return getattr(state, name)

    return give


def _document() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Cove",
        version=__version__,
        description="Sessions for AI agents: isolated Linux computers, reached through tools.",
        path="/v1",
        render_plugins=[Document()],
        components=Components(security_schemes={"key": SecurityScheme(type="http", scheme="bearer")}),
        use_handler_docstrings=True,
        operation_id_creator=lambda handler, _method, _path: handler.handler_name,
    )
