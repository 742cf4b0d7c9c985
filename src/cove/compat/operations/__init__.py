"""What the clouds' clients can ask for, once for every dialect: no transport, no casing, no envelope."""

from cove.compat.operations.catalogue import ACTIONS, ENDPOINTS, OPERATIONS
from cove.compat.operations.registry import Listed, Operation
from cove.compat.operations.service import Doors, Found, Service
from cove.compat.operations.wire import Dialect, WireAnswer, WireRequest

__all__ = [
    "ACTIONS",
    "ENDPOINTS",
    "OPERATIONS",
    "Dialect",
    "Doors",
    "Found",
    "Listed",
    "Operation",
    "Service",
    "WireAnswer",
    "WireRequest",
]
