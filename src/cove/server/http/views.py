"""How the domain looks on the wire."""

from collections.abc import Callable

import msgspec

from cove.core.api import KeyView, SessionView
from cove.core.ports import Isolation
from cove.core.session import Session
from cove.server.parts import Caller
from cove.server.service import resource_url
from cove.server.store.keys import Key


class View:
    """Shows sessions; knows the address that clients are told."""

    def __init__(
        self, public_url: str, own_door: Callable[[Session], dict[str, str]], isolation: Callable[[], Isolation]
    ) -> None:
        self.public_url = public_url
        self._own_door = own_door
        self._isolation = isolation

    def owned(self, session: Session, caller: Caller) -> SessionView:
        """The same, with what its isolation lacks, and its own token where the caller is its tenant."""
        view = msgspec.structs.replace(self.session(session), isolation=self._isolation().notes)
        return msgspec.structs.replace(view, **self._own_door(session)) if caller.tenant == session.tenant else view

    def session(self, session: Session) -> SessionView:
        """A session as its owner sees it: without slot, tenant and driver's facts."""
        return SessionView(
            session_id=session.id,
            state=session.state.value,
            image_id=session.image_id,
            labels=session.labels,
            limits=msgspec.to_builtins(session.limits),
            idle_timeout=session.idle_timeout,
            max_lifetime=session.max_lifetime,
            created_at=session.created_at,
            on_idle=session.on_idle.value,
            idle_paused=session.idle_paused,
            network=session.network,
            end_reason=session.end_reason and session.end_reason.value,
            ended_at=session.ended_at,
            image_fingerprint=session.image_fingerprint,
            resource_url=resource_url(self.public_url, session),
        )


def key_view(key: Key) -> KeyView:
    """A key without its digest."""
    return KeyView(
        key_id=key.id,
        tenant=key.tenant,
        is_operator=key.is_operator,
        prefix=key.prefix,
        created_at=key.created_at,
        revoked_at=key.revoked_at,
        expires_at=key.expires_at,
        name=key.name,
    )
