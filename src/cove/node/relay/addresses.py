"""The addresses that stand for names in one session: an allowed name gets one; to connect to it is to mean the name."""

from collections import OrderedDict
from ipaddress import IPv4Address, IPv4Network

from cove.node.relay.dns import Code, Kind, Query, build_answer
from cove.node.relay.policy import Policy, canonical_name

POOL = IPv4Network("198.18.0.0/15")
"""Set aside for benchmarks (RFC 2544), so nothing real has one of these."""
_MOST = 4096
"""Names that wildcards admitted; the one least lately asked for makes room. Names spelled out keep theirs for good."""
_REVERSE = ".in-addr.arpa"


class Addresses:
    """One session's names and their addresses. Those of names spelled out are the same after a restart."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._fixed = {name: POOL[number] for number, name in enumerate(policy.names, start=1)}
        self._lent: OrderedDict[str, IPv4Address] = OrderedDict()
        self._names = {address: name for name, address in self._fixed.items()}
        self._next = len(self._fixed) + 1

    def name(self, address: IPv4Address) -> str | None:
        """The name that this address stands for, if it stands for one."""
        return self._names.get(address)

    def answer(self, query: Query) -> bytes:
        """The answer to a query: an address for an allowed name, and for nothing else."""
        if query.problem is not Code.OK:
            return build_answer(query, code=query.problem)
        name = canonical_name(query.name) or ""
        if query.kind == Kind.PTR and name.endswith(_REVERSE):
            return self._answer_reverse(query, name)
        if not self._policy.knows(name):
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
        if len(self._lent) < _MOST:
            address, self._next = POOL[self._next], self._next + 1
        else:
            _, address = self._lent.popitem(last=False)
        self._lent[name] = address
        self._names[address] = name
