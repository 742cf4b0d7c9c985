"""The addresses that stand for names in one session: an allowed name gets one; to connect to it is to mean the name."""

from collections import OrderedDict
from ipaddress import IPv4Address, IPv4Network

from cove.core.network import canonical_name
from cove.node.relay.dns import Code, Kind, Query, build_answer
from cove.node.relay.policy import Policy

POOL = IPv4Network("198.18.0.0/15")
"""Set aside for benchmarks (RFC 2544), so nothing real has one of these."""
_MOST = 16384
"""Names that nobody spelled out: more than may be asked for while an answer lasts. The one least lately asked for makes
room; names spelled out keep theirs for good.
"""
_REVERSE = ".in-addr.arpa"


class Addresses:
    """One session's names and their addresses. Those of names spelled out are the same after a restart."""

    def __init__(self, policy: Policy) -> None:
        self._fixed: dict[str, IPv4Address] = {}
        self._lent: OrderedDict[str, IPv4Address] = OrderedDict()
        self._names: dict[IPv4Address, str] = {}
        self._free: list[IPv4Address] = []
        self._next = 1
        self.change(policy)

    def change(self, policy: Policy) -> None:
        """Answer by another policy; an address goes on to stand for the name that it stood for."""
        self._policy = policy
        for name in set(self._fixed) - set(policy.names):
            self._lent[name] = self._fixed.pop(name)
        for name in policy.names:
            if name not in self._fixed:
                self._fixed[name] = self._lent.pop(name) if name in self._lent else self._take_free()
                self._names[self._fixed[name]] = name

    def name(self, address: IPv4Address) -> str | None:
        """The name that this address stands for, if it stands for one."""
        return self._names.get(address)

    def unsure(self, query: Query) -> str | None:
        """The name that must be looked up before `answer` may answer: one that nobody spelled out."""
        name = canonical_name(query.name) or ""
        is_sure = query.problem is not Code.OK or not self._policy.knows(name) or self._policy.spells_out(name)
        return None if is_sure or not name or name.endswith(_REVERSE) else name

    def is_refused(self, query: Query) -> bool:
        """Whether the answer will be that the policy knows no such name."""
        name = canonical_name(query.name) or ""
        return query.problem is Code.OK and not name.endswith(_REVERSE) and not self._policy.knows(name)

    def answer(self, query: Query) -> bytes:
        """The answer to a query: an address for an allowed name, and for nothing else."""
        if query.problem is not Code.OK:
            return build_answer(query, code=query.problem)
        name = canonical_name(query.name) or ""
        if name.endswith(_REVERSE) and query.kind == Kind.PTR:
            return self._answer_reverse(query, name)
        if not name or name.endswith(_REVERSE) or not self._policy.knows(name):
            return build_answer(query, code=Code.NO_SUCH_NAME)
        return build_answer(query, address=self._address(name) if query.kind in (Kind.A, Kind.ANY) else None)

    def _answer_reverse(self, query: Query, name: str) -> bytes:
        try:
            address = IPv4Address(".".join(reversed(name.removesuffix(_REVERSE).split("."))))
        except ValueError:
            return build_answer(query, code=Code.NO_SUCH_NAME)
        found = self.name(address)
        return build_answer(query, target=found) if found else build_answer(query, code=Code.NO_SUCH_NAME)

    def _address(self, name: str) -> IPv4Address:
        if name in self._fixed:
            return self._fixed[name]
        if name not in self._lent:
            self._lend(name)
        self._lent.move_to_end(name)
        return self._lent[name]

    def _lend(self, name: str) -> None:
        while len(self._lent) >= _MOST:
            _, address = self._lent.popitem(last=False)
            del self._names[address]
            self._free.append(address)
        self._lent[name] = self._take_free()
        self._names[self._lent[name]] = name

    def _take_free(self) -> IPv4Address:
        if self._free:
            return self._free.pop()
        self._next += 1
        return POOL[self._next - 1]
