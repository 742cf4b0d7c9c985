"""What schemathesis is told beside the document: real identifiers, and the one key that it must not revoke."""

import os
from typing import Any
from zlib import crc32

import schemathesis

OWN_KEY, SESSION = os.environ["OWN_KEY"], os.environ["SESSION"]


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:
    """Two of three questions about a session are about one that lives, unless they would end it."""
    asked = case.path_parameters
    if "session_id" in asked and case.operation.method != "delete" and crc32(_asked(case).encode()) % 3:
        asked["session_id"] = SESSION
    if asked.get("key_id") == OWN_KEY:
        asked["key_id"] = "k-none"


def _asked(case: schemathesis.Case) -> str:
    """The same for the same question in every run."""
    return repr((case.operation.label, case.path_parameters, case.query, case.body))
