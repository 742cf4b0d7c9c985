"""A driver that is held up, so that a test can look at a server in the middle of something."""

import threading

from cove.testing import Cove


class Held:
    """Holds one kind of the driver's operations until it is let go, and keeps the names of all that began."""

    def __init__(self, cove: Cove, operation: str) -> None:
        self.begun: list[str] = []
        self._entered, self._leave = threading.Semaphore(0), threading.Event()
        self._cove, self._operation = cove, operation
        cove.driver.before = self._before

    def await_begun(self, count: int = 1) -> None:
        """Wait until so many more of them have begun."""
        assert all(self._entered.acquire(timeout=60) for _ in range(count))

    def let_go(self) -> None:
        """From now on nothing is held."""
        self._leave.set()

    async def _before(self, operation: str, _: str) -> None:
        self.begun.append(operation)
        if operation == self._operation:
            self._entered.release()
            await self._cove.wait(self._leave)
