"""Runs in an official client's own environment: does with its objects what lines of JSON say, and answers with such.

It knows no client. An object stays here, and the other side has its number. Usage: python driver.py sync|async
"""

import asyncio
import base64
import concurrent.futures
import enum
import importlib
import itertools
import json
import os
import sys


class Made:
    """Something that stays here though it is plain data: what a callback fills."""

    def __init__(self, value):
        self.value = value


class Driver:
    """The objects that the other side knows, by number."""

    def __init__(self):
        self.objects = {}
        self.numbers = itertools.count()  # several threads ask for one at once

    def load(self, value):
        """What a value of JSON stands for."""
        if isinstance(value, list):
            return [self.load(item) for item in value]
        if not isinstance(value, dict):
            return value
        if "$ref" in value:
            return self.objects[value["$ref"]]
        if "$bytes" in value:
            return base64.b64decode(value["$bytes"])
        return {key: self.load(item) for key, item in value["$dict"]}

    def dump(self, value):
        """What JSON says for a value; an object that is no plain data becomes known."""
        if isinstance(value, enum.Enum):
            return self.dump(value.value)
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, (bytes, bytearray)):
            return {"$bytes": base64.b64encode(value).decode()}
        if isinstance(value, (list, tuple, set)):
            return [self.dump(item) for item in value]
        if type(value) is dict:
            return {"$dict": [[self.dump(key), self.dump(item)] for key, item in value.items()]}
        return self.know(value)

    def know(self, value):
        """The number by which the other side knows an object from now on."""
        number = next(self.numbers)
        self.objects[number] = value
        return {"$ref": number, "type": type(value).__name__}

    def do(self, request):
        """What is asked for; may be a coroutine."""
        kind, name = request["do"], request.get("name", "")
        if kind == "find":
            module, _, path = name.partition(":")
            return _walk(importlib.import_module(module), path)
        on = self.load(request["on"])
        if kind == "get":
            return getattr(on, name)
        if kind == "set":
            return setattr(on, name, self.load(request["value"]))
        if kind == "make":
            return Made(on())
        if kind == "show":
            return repr({key: item for key, item in vars(on).items() if not key.startswith("_")} or on)[:2000]
        arguments = [self.load(item) for item in request["args"]]
        return on(*arguments, **{key: self.load(item) for key, item in request["kwargs"].items()})

    def answer(self, value):
        """The line for what was given."""
        return {"value": self.know(value.value) if isinstance(value, Made) else self.dump(value)}


def _walk(found, path):
    for name in path.split("."):
        found = getattr(found, name)
    return found


def _failed(error):
    return {"raised": [cls.__name__ for cls in type(error).__mro__], "text": str(error)}


def _do_sync(driver, request):
    try:
        found = driver.do(request)
        return driver.answer(asyncio.run(found) if asyncio.iscoroutine(found) else found)
    except Exception as error:  # noqa: BLE001 - told to the other side
        return _failed(error)


async def _do_async(driver, request):
    try:
        found = driver.do(request)
        return driver.answer(await found if asyncio.iscoroutine(found) else found)
    except Exception as error:  # noqa: BLE001 - told to the other side
        return _failed(error)


def _serve_sync(driver, lines, say):
    for line in lines:
        requests = json.loads(line)
        with concurrent.futures.ThreadPoolExecutor(len(requests)) as pool:
            say(list(pool.map(lambda request: _do_sync(driver, request), requests)))


async def _serve_async(driver, lines, say):
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, lines.readline):
        say(await asyncio.gather(*(_do_async(driver, request) for request in json.loads(line))))


def main():
    """Answer until stdin ends. What a client prints goes to stderr."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(found):
        answers.write(json.dumps(found) + "\n")
        answers.flush()

    driver = Driver()
    if sys.argv[1] == "async":
        asyncio.run(_serve_async(driver, sys.stdin, say))
    else:
        _serve_sync(driver, sys.stdin, say)


if __name__ == "__main__":
    main()
