"""What a caller can do with a session's network: see its policy, change it while the session runs, see its traffic."""

from cove.core.errors import SessionNotFound
from cove.core.ids import SessionId
from cove.core.network import Connection, NetworkPolicy
from cove.core.session import ENDED, Session, State
from cove.server.parts import Caller, Parts
from cove.server.store import sessions as rows

_NOT_YET = (State.CREATING, State.DELETING)


class Networks:
    """The use cases. Each raises SessionNotFound for what the caller must not see, and for what has ended."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def default_mode(self) -> str:
        """The mode of sessions that are made without a policy."""
        return self._parts.settings.network.mode

    async def get(self, caller: Caller, session_id: SessionId) -> NetworkPolicy:
        """What the session may reach now."""
        return self._policy(await self._living(caller, session_id))

    async def set(self, caller: Caller, session_id: SessionId, policy: NetworkPolicy) -> NetworkPolicy:
        """Let the session go by `policy`, which is durable first; what it does not allow any more is cut."""
        await self._living(caller, session_id)
        return self._policy(await self._parts.tasks.finish(self._set(caller, session_id, policy)))

    async def _set(self, caller: Caller, session_id: SessionId, policy: NetworkPolicy) -> Session:
        async with self._parts.lock(session_id):
            session = await self._living(caller, session_id)
            changed = await self._parts.write(lambda connection: rows.change(connection, session, network=policy))
            if changed.state not in _NOT_YET:
                await self._parts.driver.set_network(session_id, policy)
            return changed

    async def connections(self, caller: Caller, session_id: SessionId, after: int) -> tuple[Connection, ...]:
        """The session's connections whose numbers follow `after`, oldest first; below 0, so many of the last."""
        await self._living(caller, session_id)
        return await self._parts.driver.connections(session_id, after)

    async def _living(self, caller: Caller, session_id: SessionId) -> Session:
        session = await self._parts.load_for(caller, session_id)
        if session.state in ENDED:
            raise SessionNotFound(session_id=session_id)
        return session

    def _policy(self, session: Session) -> NetworkPolicy:
        return session.network or self._parts.settings.network
