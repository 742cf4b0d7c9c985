"""Run inside a client's environment: which public methods it has, and what they show when they are called.

`surface.py list STAGE` prints {"names of an object, with blanks between them": [methods]}.
`surface.py call STAGE` reads ["object.method", …] and prints {"object.method": [whether it worked, what was shown]}.
"""

import asyncio
import functools
import importlib
import inspect
import json
import sys
import threading

from loguru import logger

LOOP = asyncio.new_event_loop()
SHOWN = []
"""What the client has logged during the latest call; scripts see it on stderr."""
CLIENTS = {"agb", "agentbay"}
INNER = {"client", "agb", "agent_bay"}
"""Members that are the client itself, or the wire below it."""


def listed(roots):
    """The methods of every object that a script reaches from the roots; one may have several names."""
    found, waiting = {}, list(roots.items())
    while waiting:
        name, each = waiting.pop(0)
        names, _ = found.setdefault(id(each), ([], each))
        names.append(name)
        if len(names) == 1:
            waiting += [(f"{name}.{part}", value) for part, value in parts(each)]
    return {" ".join(names): methods(each) for names, each in found.values() if methods(each)}


def parts(each):
    """Its members that are objects of the client's."""
    named = ((name, getattr(each, name)) for name in dir(each) if not name.startswith("_") and name not in INNER)
    return [(name, value) for name, value in named if type(value).__module__.partition(".")[0] in CLIENTS]


def methods(each):
    return [name for name in dir(each) if not name.startswith("_") and inspect.isroutine(getattr(each, name))]


def called(stage, path):
    """Whether it worked, and all that the client showed: its result or exception, and its log."""
    given = stage.given(path)
    SHOWN.clear()
    root, *between, name = path.split(".")
    try:
        each = functools.reduce(getattr, between, stage.root(root))
        method = getattr(each, name)
        result = method(*given.get("unnamed", []), **needed(method, given))
        worked, said = judged(LOOP.run_until_complete(result) if inspect.isawaitable(result) else result)
    except Exception as error:  # noqa: BLE001 - told to the other side
        worked, said = False, f"{type(error).__name__}: {error}"
    return worked, "\n".join((said, *SHOWN))


def needed(method, given):
    """Values for what the method must have, and whatever this stage gives to this method alone."""
    wanted = inspect.signature(method).parameters.values()
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    must = [each.name for each in wanted if each.default is each.empty and each.kind not in kinds]
    return {name: given[name] for name in must} | given.get("more", {})


def judged(result):
    """Whether a result tells of success, None where it tells nothing, and its text."""
    if isinstance(result, threading.Thread):
        return watched(result), "a thread"
    if hasattr(result, "success"):
        return bool(result.success), str(vars(result))
    if isinstance(result, tuple):
        return bool(result[0]), str(result)
    if isinstance(result, str):
        return bool(result) and " failed: " not in result, result
    return None if result is None else result is not False, str(result)


def watched(thread):
    """Whether it begins and ends."""
    thread.start()
    thread.stop_event.set()
    thread.join(120)
    return not thread.is_alive()


def main(order, name):
    stage = importlib.import_module(name)
    logger.remove()
    if order == "list":
        return listed(stage.unused())
    asyncio.set_event_loop(LOOP)  # which some methods look for
    logger.add(lambda line: SHOWN.append(str(line)), level="INFO", format="{message}")
    theatre = stage.Stage()
    try:
        return {path: called(theatre, path) for path in json.load(sys.stdin)}
    finally:
        theatre.close()


if __name__ == "__main__":
    out, sys.stdout = sys.stdout, sys.stderr  # the first generation's clients print
    json.dump(main(*sys.argv[1:]), out)
