"""Runs one attack and tells how it went: `attack.py MODULE.FUNCTION ARGUMENT…`. Also runs on the host, for contrast.

An attack is a function that returns what it got hold of; it raises OSError or Held where it got nothing.
"""

import importlib
import json
import sys


def main(name, *arguments):
    """Print one line of JSON; whatever else an attack raises is a fault of the test, and ends in a traceback."""
    module, _, function = name.partition(".")
    attack = getattr(importlib.import_module(module), function)
    try:
        verdict = {"breached": True, "told": attack(*arguments)}
    except (OSError, importlib.import_module("kernel").Held) as refusal:
        verdict = {"breached": False, "told": str(refusal)}
    print(json.dumps(verdict))


if __name__ == "__main__":
    main(*sys.argv[1:])
