"""The route for whoever watches sessions: many at once, measured."""

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from cove.core.api import Usage, UsagePage
from cove.server.http.documents import ERRORS
from cove.server.http.sessions import labels_in
from cove.server.http.views import View
from cove.server.parts import Caller
from cove.server.store.sessions import Wanted
from cove.server.usage import Watching


@get("/usage", responses=ERRORS)
async def get_usage(
    watching: NamedDependency[Watching],
    view: NamedDependency[View],
    caller: NamedDependency[Caller],
    label: FromQuery[list[str] | None] = None,
    limit: FromQuery[int] = 100,
    cursor: FromQuery[str] = "",
) -> UsagePage:
    """The sessions that live, newest first, with what each uses and how much it is called; no use of any of them."""
    used, page = await watching.page(caller, Wanted(labels=labels_in(label or [])), limit=limit, cursor=cursor)
    shown = [
        Usage(
            session=view.session(each.session),
            metrics=each.metrics,
            calls_running=each.calls_running,
            calls_total=each.calls_total,
        )
        for each in used
    ]
    return UsagePage(usage=shown, next_cursor=page.next_cursor, total=page.total)
