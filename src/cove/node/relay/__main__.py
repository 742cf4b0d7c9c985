"""The relay's process: `python -m cove.node.relay CONTROL_FD`. It ends with its control socket."""

import asyncio
import os
import socket
import sys
from collections.abc import Awaitable, Callable
from functools import partial

import msgspec

from cove.core.errors import CoveError
from cove.nobody import run_as_nobody
from cove.node.relay.audit import Audit
from cove.node.relay.control import LISTENERS, Order, Reply, receive_order
from cove.node.relay.policy import CLOSED, Policy
from cove.node.relay.quotas import fair_share
from cove.node.relay.sessions import Outside, Relayed


class Process:
    """Obeys orders from the control socket, one after the other."""

    def __init__(self, control: socket.socket, audit: Audit, file_limit: int) -> None:
        self._control, self._audit, self._file_limit = control, audit, file_limit
        self._sessions: dict[str, Relayed] = {}
        self._outside: Outside | None = None

    async def run(self) -> None:
        """Until the node goes, or closes the socket."""
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        loop.add_reader(self._control, readable.set)
        while True:
            await readable.wait()
            readable.clear()
            try:
                received = receive_order(self._control)
            except BlockingIOError:
                continue
            except ConnectionError:
                return
            if received is None:
                return
            readable.set()  # more may be waiting: a record read says nothing of the next
            reply = await self._obey(*received)
            self._control.send(msgspec.json.encode(msgspec.structs.replace(reply, number=received[0].number)))

    async def _obey(self, order: Order, fds: list[int]) -> Reply:
        try:
            return await _OBEYED[order.op](self, order, fds)
        except (CoveError, KeyError, ValueError) as error:  # no such policy, session, or order
            return Reply(error=f"cannot {order.op} {order.session!r}: {error}")
        finally:
            for fd in fds:
                os.close(fd)

    async def _grant(self, order: Order, _: list[int]) -> Reply:
        Policy(CLOSED, order.granted)
        share = partial(fair_share, self._file_limit)
        self._outside = Outside(order.granted, self._audit, lambda: share(len(self._sessions)))
        return Reply()

    async def _attach(self, order: Order, fds: list[int]) -> Reply:
        if self._outside is None or len(fds) != LISTENERS:
            return Reply(error="attach needs a grant before it, and three listeners")
        await self._detach(order, [])
        Policy(order.policy)
        listeners = [socket.socket(fileno=os.dup(fd)) for fd in fds]
        for each in listeners:
            each.setblocking(False)
        self._sessions[order.session] = Relayed(order.session, listeners, self._outside, order.policy)
        self._sessions[order.session].open()
        return Reply()

    async def _change(self, order: Order, _: list[int]) -> Reply:
        self._sessions[order.session].change(order.policy)
        return Reply()

    async def _detach(self, order: Order, _: list[int]) -> Reply:
        session = self._sessions.pop(order.session, None)
        if session is None:
            return Reply()
        await session.close()
        rx, tx = session.usage()
        return Reply(rx_bytes=rx, tx_bytes=tx)

    async def _tell_usage(self, order: Order, _: list[int]) -> Reply:
        rx, tx = self._sessions[order.session].usage()
        return Reply(rx_bytes=rx, tx_bytes=tx)

    async def _tell_lines(self, order: Order, _: list[int]) -> Reply:
        return Reply(lines=self._sessions[order.session].lines(order.after))

    async def _log_to(self, _: Order, fds: list[int]) -> Reply:
        self._audit.go_on_in(fds[0])
        return Reply()


_OBEYED: dict[str, Callable[[Process, Order, list[int]], Awaitable[Reply]]] = {
    "grant": Process._grant,
    "attach": Process._attach,
    "policy": Process._change,
    "detach": Process._detach,
    "usage": Process._tell_usage,
    "log": Process._tell_lines,
    "log_to": Process._log_to,
}
"""What obeys which order."""


def main() -> None:
    """Serve the node at the other end of the socket given as the only argument."""
    control = socket.socket(fileno=int(sys.argv[1]))
    control.setblocking(False)
    run_as_nobody("the relay", lambda file_limit: Process(control, Audit(), file_limit).run())
    os._exit(0)  # threads that look up names may take long yet, and every port would be held as long


if __name__ == "__main__":
    main()
