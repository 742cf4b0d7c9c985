"""What each token opens, as the server said it, until it says otherwise."""

import time
from collections import OrderedDict

from cove.core.errors import LinkExpired
from cove.core.ids import SessionId
from cove.core.ports import Admission
from cove.gateway.asking import Server

_MOST = 16384


class Admissions:
    """Remembers admissions, and no refusals: a refused token is asked about again."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._known: OrderedDict[str, Admission] = OrderedDict()
        self._closings = 0

    async def admit(self, token: str) -> Admission:
        """Whom the token lets in; raises what `LinkDoor.admit` does."""
        admission = self._known.get(token) or await self._ask(token)
        if admission.expires_at is not None and admission.expires_at <= time.time():
            self._known.pop(token, None)
            raise LinkExpired(session_id=admission.session_id)
        return admission

    def forget(self, session_id: SessionId, link_id: str | None) -> None:
        """What was said of a link, or of all of a session's, holds no more."""
        self._closings += 1
        for token, known in list(self._known.items()):
            if known.session_id == session_id and link_id in (None, known.link_id):
                del self._known[token]

    async def _ask(self, token: str) -> Admission:
        """An answer that was given while a link was closed may be about that link: then it is asked for again."""
        while True:
            closings = self._closings
            admission = await self._server.admit(token)
            if closings == self._closings:
                break
        self._known[token] = admission
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
        return admission
